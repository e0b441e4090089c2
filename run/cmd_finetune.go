package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/icl-msr/icl-msr/internal/printable"
)

func finetune(ctx context.Context, p program, args []string) error {
	o := defaultFineTuneOptions()
	f := flags(p, "finetune", "--run DIR | --checkpoint FILE | (--init FILE | --arch torchscript:FILE) --dataset NAME [flags]")
	network := bindNetwork(f)
	data := bindData(f)
	depth16 := bindDepth16(f)
	asJSON := f.Bool("json", false, "print JSON")
	bindLabels(f, &o, "epochs")
	f.Uint64Var(&o.splitSeed, "label-seed", 0, "seed that draws the labelled pictures")
	f.BoolVar(&o.scratch, "from-scratch", false, "start from new parameters: the supervised baseline")
	f.Float64Var(&o.LR, "lr", o.LR, "first learning rate of the backbone for batches of 256, cosine to 0")
	f.Float64Var(&o.HeadLR, "head-lr", o.HeadLR, "that of the classifier")
	f.Float64Var(&o.Momentum, "momentum", o.Momentum, "Nesterov momentum")
	f.Float64Var(&o.WeightDecay, "weight-decay", o.WeightDecay, "L2 penalty")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "seed of the classifier and of the order of pictures")
	f.IntVar(&o.batch, "batch-size", o.batch, "pictures of a step")
	f.IntVar(&o.threads, "threads", 0, "threads of an operation (0: all cores)")
	o.machine.bind(f)
	if err := parse(f, args); err != nil {
		return err
	}
	k, err := network.pick()
	if err != nil {
		return err
	}
	if err := data.over(p.stderr, &k); err != nil {
		return err
	}
	if o.batch < 2 {
		return usagef("--batch-size %d: batch norm needs 2 pictures or more", o.batch)
	}
	if err := o.check("epochs", f.Changed("epochs")); err != nil {
		return err
	}
	if *depth16 != "" {
		k.config.Depth16 = *depth16
	}
	k.config.machine, k.config.Threads = o.machine, o.threads
	out, err := fineTuneCheckpoint(ctx, p.stderr, k, o)
	if err != nil {
		return err
	}
	if *asJSON {
		e := json.NewEncoder(printable.Data(p.stdout))
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"checkpoint": k.path, "from_scratch": o.scratch, "results": out})
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "labels\tsplit\tepochs\tpictures\ttested on\ttop-1\ttop-5\t")
	for _, r := range out {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%.2f%%\t%s\t\n", r.Labels, r.Split, r.Epochs, r.Train, r.Test,
			100*r.Accuracy.Top1, topFive(r.Accuracy.Classes, r.Accuracy.Top5))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(o.lists) == 0 {
		fmt.Fprintf(p.stdout, "\n%s\n", o.splits())
	}
	for _, r := range out {
		if text := leftOut(map[string]pictureCount{"training": r.Train, "testing": r.Test}); text != "" {
			fmt.Fprintf(p.stdout, "\n%s: %s\n", r.Labels, text)
		}
	}
	return nil
}
