package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/suggest"
)

// embedOptions say what is written of which pictures.
type embedOptions struct {
	What, Format, Out, Part string
	BatchSize               int
	Resume, Force           bool
	Unlabelled              bool     // with those without labels, of a data set's training part
	Paths                   []string // pictures and folders; none: the data set
}

func embedFormats() []string { return []string{"npy", "safetensors", "csv", "jsonl"} }

func embed(ctx context.Context, p program, args []string) error {
	var o embedOptions
	f := flags(p, "embed",
		"--run DIR | --checkpoint FILE | --init FILE | --arch torchscript:FILE [flags] [PICTURE or FOLDER ...]")
	network := bindNetwork(f)
	data := bindData(f)
	f.StringVar(&o.Part, "part", "train", "of the data set: train or test")
	f.BoolVar(&o.Unlabelled, "unlabelled", false, "stl10: of the training part the pictures without labels, too")
	f.StringVar(&o.Out, "out", "",
		"file to write, - for standard output (csv, jsonl) (default features.FORMAT); beside, OUT.about.json tells of what")
	f.StringVar(&o.Format, "format", "",
		"npy and safetensors (names beside, in OUT.names.txt), csv or jsonl (default: as --out ends)")
	f.StringVar(&o.What, "what", "features",
		"features (the backbone's, pooled) or projection (what the head makes of them)")
	f.BoolVar(&o.Resume, "resume", false, "go on with the half-written file of an interrupted run")
	depth16 := bindDepth16(f)
	f.BoolVar(&o.Force, "force", false, "write over an output that is there, and over a half-written one")
	bad := f.String("bad-pictures", "skip", "leave out pictures that cannot be read, with a warning, or stop")
	f.IntVar(&o.BatchSize, "batch-size", 256, "pictures of a forward pass")
	threads := f.Int("threads", 0, "threads of an operation (0: all cores)")
	workers := f.Int("workers", 0, "goroutines that read pictures (0: one for each core)")
	on := onCPU()
	on.bind(f)
	if err := parseFlags(f, args); err != nil {
		return err
	}
	o.Paths = f.Args()
	given := data.given()
	for _, name := range []string{"part", "unlabelled"} {
		if f.Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(o.Paths) > 0 && len(given) > 0 {
		return usagef("give either pictures (%s, ...) or %s, which name a data set's", o.Paths[0], strings.Join(given, ", "))
	}
	if err := o.settle(); err != nil {
		return err
	}
	if err := o.check(network); err != nil {
		return err
	}
	k, err := network.pick()
	if err != nil {
		return err
	}
	if len(o.Paths) == 0 {
		if err := data.over(p.stderr, &k); err != nil {
			return fmt.Errorf("%w; or name pictures or folders of them", err)
		}
	}
	if *depth16 != "" {
		k.config.Depth16 = *depth16
	}
	k.config.machine, k.config.Threads, k.config.Workers, k.config.BadPictures = on, *threads, *workers, *bad
	return embedInto(ctx, p, k, o)
}

// settle checks the options and completes them.
func (o *embedOptions) settle() error {
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
	case o.Format == "" && o.Out != "-" && isPictureName(o.Out): // output.check tells more
	case o.Format == "" && o.Out != "-":
		return usagef("--out %s: its ending tells no format; give --format %s", o.Out, strings.Join(known, ", "))
	case o.Format != "" && !slices.Contains(known, o.Format):
		return usage{suggest.Unknown("--format", o.Format, known)}
	case o.Out == "-" && (o.Format == "" || o.array() || o.Resume):
		return usagef("--out - writes csv or jsonl, from the start: give --format csv or jsonl, without --resume")
	case o.Resume && o.Force:
		return usagef("--resume goes on with what is there, --force begins anew: give one of them")
	}
	if what := []string{"features", "projection"}; !slices.Contains(what, o.What) {
		return usage{suggest.Unknown("--what", o.What, what)}
	}
	if parts := []string{"train", "test"}; !slices.Contains(parts, o.Part) {
		return usage{suggest.Unknown("--part", o.Part, parts)}
	}
	if o.BatchSize < 1 {
		return usagef("--batch-size %d: want 1 or more", o.BatchSize)
	}
	return nil
}

// check refuses outputs that would destroy something, and inputs that are not
// there, before anything is written.
func (o *embedOptions) check(n *networkFlags) error {
	if o.Out != "-" {
		inputs := append(n.files(), o.Paths...)
		if err := (output{flag: "--out", path: o.Out, force: o.Force || o.Resume, inputs: inputs}).check(); err != nil {
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
