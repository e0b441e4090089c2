package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/datasets"
)

// tellNotes prints what data sets have to say of what they hold, each line once.
func tellNotes(w io.Writer, sets ...datasets.Dataset) {
	var told []string
	for _, ds := range sets {
		for _, note := range datasets.Notes(ds) {
			if text := note.Error(); w != nil && !slices.Contains(told, text) {
				fmt.Fprintf(w, "note: %s\n", text)
				told = append(told, text)
			}
		}
	}
}

// tellDropped says how many pictures an epoch leaves out.
func tellDropped(w io.Writer, pictures, batch int) {
	if rest := pictures % batch; rest > 0 && pictures > batch {
		fmt.Fprintf(w, "note: each epoch leaves out %d of the %d pictures, others each time: they fill no batch of %d\n", rest, pictures, batch)
	}
}

const depth16Help = "how samples of 16 bits become 8: their high byte (high), from a picture's least sample to its greatest (scale), or from its 1st percentile to its 99th (percentile)"

// bindDepth16 is the flag of the commands that take over a training's settings.
func bindDepth16(f *pflag.FlagSet) *string {
	return f.String("depth16", "", depth16Help+" (default: as in training)")
}

// checkDepth16 refuses another way.
func (c *config) checkDepth16() error {
	if known := datasets.Depths16(); c.Depth16 != "" && !slices.Contains(known, c.Depth16) {
		return usagef("--depth16 %s: want %s", c.Depth16, strings.Join(known, ", "))
	}
	return nil
}
