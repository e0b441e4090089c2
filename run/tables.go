package main

import (
	"context"
	"fmt"
)

// paperCompare is compare with the methods and the preset of one of the paper's
// tables under the flags.
func paperCompare(number int, preset string, methods ...string) func(context.Context, program, []string) error {
	return func(ctx context.Context, p program, args []string) error {
		name := fmt.Sprintf("table%d", number)
		k := comparison{command: name, preset: preset, methods: methods,
			study: study{title: fmt.Sprintf("Methods with and without MSR, as in the paper's Table %d", number),
				out: "runs/" + name, seeds: 3, probeEpochs: 500}}
		return k.do(ctx, p, args)
	}
}
