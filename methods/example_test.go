package methods_test

import (
	"fmt"

	"github.com/icl-msr/icl-msr/methods"
)

func ExampleNew() {
	_, err := methods.New("simclr", methods.Config{Temperature: 0.5, Hidden: 1024, Dim: 64})
	fmt.Println(err)
	_, err = methods.New("simclear", methods.Config{Temperature: 0.5, Hidden: 1024, Dim: 64})
	fmt.Println(err)
	// Output:
	// <nil>
	// unknown method "simclear"; did you mean "simclr"? known: simclr
}
