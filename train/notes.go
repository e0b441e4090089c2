package train

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/usage"
)

// TellNotes prints what data sets have to say of what they hold, each line once.
func TellNotes(w io.Writer, sets ...datasets.Dataset) {
	var told []string
	for _, ds := range sets {
		for _, note := range datasets.Notes(ds) {
			if w != nil && !slices.Contains(told, note) {
				fmt.Fprintf(w, "note: %s\n", note)
				told = append(told, note)
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

const Depth16Help = "how samples of 16 bits become 8: their high byte (high), from a picture's least sample to its greatest (scale), or from its 1st percentile to its 99th (percentile)"

// CheckDepth16 refuses another way.
func (c *Config) CheckDepth16() error {
	if known := datasets.Depths16(); c.Depth16 != "" && !slices.Contains(known, c.Depth16) {
		return usage.Errorf("--depth16 %s: want %s", c.Depth16, strings.Join(known, ", "))
	}
	return nil
}
