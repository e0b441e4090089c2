package main

import (
	"fmt"

	"github.com/icl-msr/icl-msr/eval"
)

// topFive formats a top-5 accuracy, from 0 to 1, in percent, or returns "-" if there are too few classes.
func topFive(classes int, v float64) string {
	if !(eval.Accuracy{Classes: classes}).HasTop5() {
		return "-"
	}
	return fmt.Sprintf("%.2f%%", 100*v)
}
