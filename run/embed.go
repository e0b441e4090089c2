package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/embedding"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/train"
)

func embed(ctx context.Context, p program, args []string) error {
	var o embedding.Options
	f := flags(p, "embed",
		"--run DIR | --checkpoint FILE | --init FILE | --arch torchscript:FILE [flags] [PICTURE or FOLDER ...]")
	network := bindNetwork(f)
	data := bindData(f)
	depth16, bad := bindEmbedding(f, &o)
	threads := f.Int("threads", 0, "threads of an operation (0: all cores)")
	workers := f.Int("workers", 0, "goroutines that read pictures (0: one per core)")
	on := train.OnCPU()
	bindMachine(f, &on)
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
		return usage.Errorf("give either pictures (%s, ...) or %s, which name a data set's", o.Paths[0],
			strings.Join(given, ", "))
	}
	if err := o.Settle(); err != nil {
		return err
	}
	if err := o.Check(network.files()); err != nil {
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
		k.Config.Data.Depth16 = datasets.Depth16(*depth16)
	}
	k.Config.Machine, k.Config.Threads, k.Config.Workers, k.Config.BadPictures = on, *threads, *workers, *bad
	return embedding.Run(ctx, p.stdout, p.stderr, k, o)
}

// bindEmbedding also binds the pictures' settings in between, so that the help lists the flags by topic.
func bindEmbedding(f *pflag.FlagSet, o *embedding.Options) (depth16, bad *string) {
	f.StringVar(&o.Part, "part", "train", "part of the data set: train or test")
	f.BoolVar(&o.Unlabelled, "unlabelled", false, "stl10: include the unlabelled pictures of the training part")
	f.StringVar(&o.Out, "out", "",
		"file to write, - for standard output (csv, jsonl) (default features.FORMAT); OUT.about.json beside it says what "+
			"the features are of")
	f.StringVar(&o.Format, "format", "",
		"npy or safetensors (with the names in OUT.names.txt beside it), csv or jsonl (default: by the ending of --out)")
	f.StringVar(&o.What, "what", "features",
		"features (the backbone's, pooled) or projection (the head's output for them)")
	f.BoolVar(&o.Resume, "resume", false, "resume the incomplete file of an interrupted run")
	depth16 = bindDepth16(f)
	f.BoolVar(&o.Force, "force", false, "overwrite an existing output, complete or incomplete")
	bad = f.String("bad-pictures", "skip", "what to do about pictures that cannot be read: skip (with a warning) or stop")
	f.IntVar(&o.BatchSize, "batch-size", 256, "pictures of a forward pass")
	return depth16, bad
}
