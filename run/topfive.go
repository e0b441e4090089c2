package main

import "fmt"

// topFive is a top-5 accuracy, from 0 to 1, in percent, or "-" where there is none.
func topFive(classes int, v float64) string {
	if !hasTopFive(classes) {
		return "-"
	}
	return fmt.Sprintf("%.2f%%", 100*v)
}
