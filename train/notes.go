package train

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/methods"
)

// TellNotes prints the notes of data sets, each different line once.
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

// tellDropped prints how many pictures an epoch leaves out.
func tellDropped(w io.Writer, pictures, batch int) {
	if rest := pictures % batch; rest > 0 && pictures > batch {
		fmt.Fprintf(w, "note: each epoch leaves out %d of the %d pictures, which do not fill a batch of %d; they "+
			"differ between epochs\n",
			rest, pictures, batch)
	}
}

// tellRenamed prints which options of the method were given by former names.
func tellRenamed(w io.Writer, c Config) {
	for _, option := range slices.Sorted(maps.Keys(c.MethodConfig.Options)) {
		if name, ok := methods.Renamed(c.Method, option); ok {
			fmt.Fprintf(w, "note: option %s of %s is now called %s\n", option, c.Method, name)
		}
	}
}

// CheckDepth16 returns an error if the way to read pictures of 16 bits is unknown.
func (c *Config) CheckDepth16() error {
	if known := datasets.Depths16(); c.Data.Depth16 != "" && !slices.Contains(known, string(c.Data.Depth16)) {
		return usage.Errorf("{datasets.Depth16} %s: want %s", c.Data.Depth16, strings.Join(known, ", "))
	}
	return nil
}
