package main

import (
	"context"
	"fmt"

	"github.com/icl-msr/icl-msr/internal/experiment"
)

// paperCompare returns the command that runs compare with the methods and the preset of one of the paper's tables.
// Flags override both.
func paperCompare(number int, preset string, methods ...string) func(context.Context, program, []string) error {
	return func(ctx context.Context, p program, args []string) error {
		name := fmt.Sprintf("table%d", number)
		grid := experiment.Comparison{Methods: methods, Study: newStudy(p, "runs/"+name, 500)}
		grid.Title = fmt.Sprintf("Methods with and without MSR, as in the paper's Table %d", number)
		k := gridCommand{name: name, preset: preset, grid: grid}
		return k.do(ctx, p, args)
	}
}
