package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// paperCompare is compare with the methods and the preset of one of the paper's
// tables under the flags.
func paperCompare(number int, preset string, methods ...string) func(context.Context, program, []string) error {
	return func(ctx context.Context, p program, args []string) error {
		name := fmt.Sprintf("table%d", number)
		defaults := []string{"--methods", strings.Join(methods, ","), "--seeds", "1", "--out", "runs/" + name, "--probe-epochs", "500"}
		if !slices.ContainsFunc(args, func(a string) bool { return a == "--preset" || strings.HasPrefix(a, "--preset=") }) {
			defaults = append(defaults, "--preset", preset)
		}
		// A list given twice would be both: the flags' own methods stand for the table's.
		if slices.ContainsFunc(args, func(a string) bool { return a == "--methods" || strings.HasPrefix(a, "--methods=") }) {
			defaults = defaults[2:]
		}
		return compareAs(ctx, p, name, append(defaults, args...))
	}
}
