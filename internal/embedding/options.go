package embedding

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/internal/usage"
)

// Options describe what is written, and for which pictures.
type Options struct {
	What, Format, Out, Part string
	BatchSize               int
	Resume, Force           bool
	Unlabelled              bool     // include pictures without labels, in a data set's training part
	Paths                   []string // pictures and folders; empty: the data set
}

func embedFormats() []string { return []string{"npy", "safetensors", "csv", "jsonl"} }

// Settle validates the options and fills in defaults.
func (o *Options) Settle() error {
	known := embedFormats()
	ending := strings.TrimPrefix(strings.ToLower(filepath.Ext(o.Out)), ".")
	if o.Format == "" && slices.Contains(known, ending) {
		o.Format = ending
	}
	if o.Out == "" {
		o.Format = cmp.Or(o.Format, known[0])
		o.Out = "features." + o.Format
	}
	switch {
	case o.Format == "" && o.Out != "-" && outfile.IsPictureName(o.Out): // Check returns a better error
	case o.Format == "" && o.Out != "-":
		return usage.Errorf("{embedding.Out} %s: its ending tells no format; give {embedding.Format} %s",
			o.Out, strings.Join(known, ", "))
	case o.Format != "" && !slices.Contains(known, o.Format):
		return usage.Wrap(suggest.Unknown("{embedding.Format}", o.Format, known))
	case o.Out == "-" && (o.Format == "" || o.array() || o.Resume):
		return usage.Errorf("{embedding.Out} - writes csv or jsonl, from the start: give {embedding.Format} csv or jsonl, " +
			"without {embedding.Resume}")
	case o.Resume && o.Force:
		return usage.Errorf("{embedding.Resume} continues the existing file, {embedding.Force} starts anew: " +
			"give one of them")
	}
	if what := []string{"features", "projection"}; !slices.Contains(what, o.What) {
		return usage.Wrap(suggest.Unknown("{embedding.What}", o.What, what))
	}
	if parts := []string{"train", "test"}; !slices.Contains(parts, o.Part) {
		return usage.Wrap(suggest.Unknown("{embedding.Part}", o.Part, parts))
	}
	if o.BatchSize < 1 {
		return usage.Errorf("{embedding.BatchSize} %d: want 1 or more", o.BatchSize)
	}
	return nil
}

// Check returns an error, before anything is written, if the output would destroy something or if an input does not
// exist. files are the files of the network.
func (o *Options) Check(files []string) error {
	if o.Out != "-" {
		inputs := append(files, o.Paths...)
		out := outfile.File{Setting: "{embedding.Out}", Path: o.Out, Force: o.Force || o.Resume, Inputs: inputs}
		if err := out.Check(); err != nil {
			return err
		}
	}
	for _, path := range o.Paths {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: no such file or folder", path)
		} else if err != nil {
			return err
		}
	}
	return nil
}
