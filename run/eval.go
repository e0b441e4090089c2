package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/printable"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/train"
)

func evaluate(ctx context.Context, p program, args []string) error {
	o := train.DefaultEval()
	f := flags(p, "eval", "--run DIR | --checkpoint FILE | (--init FILE | --arch torchscript:FILE) --dataset NAME [flags]")
	network := bindNetwork(f)
	data := bindData(f)
	depth16 := bindDepth16(f)
	asJSON := f.Bool("json", false, "print JSON")
	recipe := f.String("recipe", "paper",
		"recipe of the probe: paper (Adam, 500 epochs) or imagenet (SGD, 100 epochs, rate 30); the flags below change it")
	o.Evaluators.Bind(f)
	bindFeatures(f, &o.Keep)
	f.IntVar(&o.BatchSize, "batch-size", o.BatchSize, "pictures of a forward pass")
	f.IntVar(&o.Threads, "threads", 0, "threads of an operation (0: all cores)")
	bindMachine(f, &o.Machine)
	if err := parse(f, args); err != nil {
		return err
	}
	switch *recipe {
	case "paper":
	case "imagenet":
		*o.Evaluators.Linear() = eval.ImageNetLinear()
		if err := parse(f, args); err != nil { // flags override the recipe
			return err
		}
	default:
		return usage.Wrap(suggest.Unknown("recipe", *recipe, []string{"paper", "imagenet"}))
	}
	if err := o.Keep.Check(); err != nil {
		return err
	}
	if err := o.Evaluators.Validate(); err != nil {
		return usage.Wrap(err)
	}
	k, err := network.pick()
	if err != nil {
		return err
	}
	if err := data.over(p.stderr, &k); err != nil {
		return err
	}
	if *depth16 != "" {
		k.Config.Data.Depth16 = datasets.Depth16(*depth16)
	}
	k.Config.Machine, k.Config.Threads = o.Machine, o.Threads
	o.Warn = p.stderr
	scores, err := train.Evaluate(ctx, k, o)
	if err != nil {
		return err
	}
	share, err := train.MeasureShare(ctx, k, o)
	if err != nil {
		return err
	}
	if *asJSON {
		e := json.NewEncoder(printable.Data(p.stdout))
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"checkpoint": k.Path, "epochs": k.Position.Epoch, "scores": scores,
			"foreground_share": share})
	}
	if !k.IsForeign() {
		fmt.Fprintf(p.stdout, "%s after %d epochs\n\n", k.Path, k.Position.Epoch)
	} else {
		fmt.Fprintf(p.stdout, "%s, %s\n\n", k.Path, k.Config.Arch)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	shown := titled(o.Evaluators.Figures())
	fmt.Fprint(w, "test pictures\tpictures\t")
	for _, f := range shown {
		fmt.Fprint(w, f.Title, "\t")
	}
	fmt.Fprintln(w)
	for _, s := range scores {
		fmt.Fprintf(w, "%s\t%s\t", s.Variant, s.Test)
		for _, f := range shown {
			fmt.Fprint(w, s.With(f), "\t")
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if share != nil {
		fmt.Fprintf(p.stdout, "\n%s\n", share)
	}
	if text := train.LeftOut(map[string]train.PictureCount{"training": scores[0].Train,
		"testing": scores[0].Test}); text != "" {
		fmt.Fprintf(p.stdout, "\n%s\n", text)
	}
	return nil
}

// titled returns the figures that tables show.
func titled(figures []eval.Figure) []eval.Figure {
	return slices.DeleteFunc(figures, func(f eval.Figure) bool { return f.Title == "" })
}

func bindFeatures(f *pflag.FlagSet, k *train.FeatureFiles) {
	f.StringVar(&k.Dir, "save-features", "", "folder for the features and labels of each part")
	f.StringVar(&k.Format, "features-format", k.Format,
		"npy (PART.npy, PART.labels.npy) or safetensors (PART.safetensors)")
	f.BoolVar(&k.Force, "force", false, "overwrite existing files in --save-features")
}
