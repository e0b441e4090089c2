package datasets_test

import (
	"fmt"

	"github.com/icl-msr/icl-msr/datasets"
)

func ExampleOpen() {
	ds, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 100, Correlation: 0.5})
	if err != nil {
		panic(err)
	}
	fmt.Println(ds.Len(), ds.Classes()[ds.Label(4)])
	// Output: 100 star
}
