package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/printable"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/spf13/pflag"
)

func evaluate(ctx context.Context, p program, args []string) error {
	o := defaultEval()
	f := flags(p, "eval", "--run DIR | --checkpoint FILE | (--init FILE | --arch torchscript:FILE) --dataset NAME [flags]")
	network := bindNetwork(f)
	data := bindData(f)
	depth16 := bindDepth16(f)
	asJSON := f.Bool("json", false, "print JSON")
	recipe := f.String("recipe", "paper", "of the probe: paper (Adam, 500 epochs) or imagenet (SGD, 100 epochs, rate 30); the flags below change it")
	f.IntVar(&o.Linear.Epochs, "epochs", o.Linear.Epochs, "epochs of the linear probe")
	f.StringVar(&o.Linear.Optimizer, "optimizer", o.Linear.Optimizer, "of the probe: adam, sgd or lars")
	f.StringVar(&o.Linear.Schedule, "schedule", o.Linear.Schedule, "of the probe: exponential, cosine or step (a tenth at 3/5 and 4/5)")
	f.Float64Var(&o.Linear.LR, "lr", o.Linear.LR, "first learning rate of the probe")
	f.Float64Var(&o.Linear.FinalLR, "final-lr", o.Linear.FinalLR, "last learning rate of the probe, where it is exponential between")
	f.Float64Var(&o.Linear.Momentum, "momentum", o.Linear.Momentum, "of sgd and lars")
	f.Float64Var(&o.Linear.WeightDecay, "weight-decay", o.Linear.WeightDecay, "L2 penalty of the probe")
	f.IntVar(&o.Linear.BatchSize, "probe-batch-size", o.Linear.BatchSize, "rows of a step of the probe")
	f.Uint64Var(&o.Linear.Seed, "seed", o.Linear.Seed, "seed of the probe")
	f.IntVar(&o.KNN.K, "neighbours", o.KNN.K, "k of the nearest-neighbour classifier")
	f.StringVar(&o.KNN.Metric, "metric", o.KNN.Metric, "of the neighbours: euclidean (a majority) or cosine (weighted votes)")
	f.Float64Var(&o.KNN.Temperature, "knn-temperature", o.KNN.Temperature, "of cosine's weights exp(cos/temperature)")
	bindFeatures(f, &o.Keep)
	f.IntVar(&o.BatchSize, "batch-size", o.BatchSize, "pictures of a forward pass")
	f.IntVar(&o.Threads, "threads", 0, "threads of an operation (0: all cores)")
	o.machine.bind(f)
	if err := parse(f, args); err != nil {
		return err
	}
	switch *recipe {
	case "paper":
	case "imagenet":
		o.Linear = eval.ImageNetLinear()
		if err := parse(f, args); err != nil { // the flags lie over the recipe
			return err
		}
	default:
		return wrongUse(suggest.Unknown("recipe", *recipe, []string{"paper", "imagenet"}))
	}
	if err := o.Keep.check(); err != nil {
		return err
	}
	if err := errors.Join(o.Linear.Validate(), o.KNN.Validate()); err != nil {
		return wrongUse(err)
	}
	k, err := network.pick()
	if err != nil {
		return err
	}
	if err := data.over(p.stderr, &k); err != nil {
		return err
	}
	if *depth16 != "" {
		k.config.Depth16 = *depth16
	}
	k.config.machine, k.config.Threads = o.machine, o.Threads
	o.Warn = p.stderr
	scores, err := evaluateCheckpoint(ctx, k, o)
	if err != nil {
		return err
	}
	if *asJSON {
		e := json.NewEncoder(printable.Data(p.stdout))
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"checkpoint": k.path, "epochs": k.position.Epoch, "scores": scores})
	}
	if !k.isForeign() {
		fmt.Fprintf(p.stdout, "%s after %d epochs\n\n", k.path, k.position.Epoch)
	} else {
		fmt.Fprintf(p.stdout, "%s, %s\n\n", k.path, k.config.Arch)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "test pictures\tpictures\tlinear top-1\ttop-5\t%d-NN\t\n", o.KNN.K)
	for _, s := range scores {
		fmt.Fprintf(w, "%s\t%s\t%.2f%%\t%s\t%.2f%%\t\n", s.Variant, s.Test, 100*s.Linear.Top1, topFive(s.Linear.Classes, s.Linear.Top5), 100*s.KNN)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if text := leftOut(map[string]pictureCount{"training": scores[0].Train, "testing": scores[0].Test}); text != "" {
		fmt.Fprintf(p.stdout, "\n%s\n", text)
	}
	return nil
}

func bindFeatures(f *pflag.FlagSet, k *kept) {
	f.StringVar(&k.dir, "save-features", "", "folder to write the features and labels of each part to")
	f.StringVar(&k.format, "features-format", k.format, "npy (PART.npy, PART.labels.npy) or safetensors (PART.safetensors)")
	f.BoolVar(&k.force, "force", false, "write over features that --save-features finds there")
}
