package train

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/usage"
)

// TellNotes prints what data sets have to say of what they hold, each line once.
func TellNotes(w io.Writer, sets ...datasets.Dataset) {
	var told []string
	for _, ds := range sets {
		for _, note := range datasets.Notes(ds) {
			if text := field.Say(w, note); w != nil && !slices.Contains(told, text) {
				fmt.Fprintf(w, "note: %s\n", text)
				told = append(told, text)
			}
		}
	}
}

// tellDropped says how many pictures an epoch leaves out.
func tellDropped(w io.Writer, pictures, batch int) {
	if rest := pictures % batch; rest > 0 && pictures > batch {
		fmt.Fprintf(w, "note: each epoch leaves out %d of the %d pictures, others each time: they fill no batch of %d\n",
			rest, pictures, batch)
	}
}

// CheckDepth16 refuses another way.
func (c *Config) CheckDepth16() error {
	if known := datasets.Depths16(); c.Data.Depth16 != "" && !slices.Contains(known, string(c.Data.Depth16)) {
		return usage.Errorf("{datasets.Depth16} %s: want %s", c.Data.Depth16, strings.Join(known, ", "))
	}
	return nil
}
