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

// Options say what is written of which pictures.
type Options struct {
	What, Format, Out, Part string
	BatchSize               int
	Resume, Force           bool
	Unlabelled              bool     // with those without labels, of a data set's training part
	Paths                   []string // pictures and folders; none: the data set
}

func embedFormats() []string { return []string{"npy", "safetensors", "csv", "jsonl"} }

// Settle checks the options and completes them.
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
	case o.Format == "" && o.Out != "-" && outfile.IsPictureName(o.Out): // output.check tells more
	case o.Format == "" && o.Out != "-":
		return usage.Errorf("--out %s: its ending tells no format; give --format %s", o.Out, strings.Join(known, ", "))
	case o.Format != "" && !slices.Contains(known, o.Format):
		return usage.Wrap(suggest.Unknown("--format", o.Format, known))
	case o.Out == "-" && (o.Format == "" || o.array() || o.Resume):
		return usage.Errorf("--out - writes csv or jsonl, from the start: give --format csv or jsonl, without --resume")
	case o.Resume && o.Force:
		return usage.Errorf("--resume continues the existing file, --force starts anew: give one of them")
	}
	if what := []string{"features", "projection"}; !slices.Contains(what, o.What) {
		return usage.Wrap(suggest.Unknown("--what", o.What, what))
	}
	if parts := []string{"train", "test"}; !slices.Contains(parts, o.Part) {
		return usage.Wrap(suggest.Unknown("--part", o.Part, parts))
	}
	if o.BatchSize < 1 {
		return usage.Errorf("--batch-size %d: want 1 or more", o.BatchSize)
	}
	return nil
}

// Check refuses outputs that would destroy something, and inputs that are not
// there, before anything is written. files are what the network is read from.
func (o *Options) Check(files []string) error {
	if o.Out != "-" {
		inputs := append(files, o.Paths...)
		if err := (outfile.File{Setting: "--out", Path: o.Out, Force: o.Force || o.Resume, Inputs: inputs}).Check(); err != nil {
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
