package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/printable"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/train"
)

func finetune(ctx context.Context, p program, args []string) error {
	o := train.DefaultFineTune()
	f := flags(p, "finetune", "--run DIR | --checkpoint FILE | (--init FILE | --arch torchscript:FILE) --dataset NAME "+
		"[flags]")
	network := bindNetwork(f)
	data := bindData(f)
	depth16 := bindDepth16(f)
	asJSON := f.Bool("json", false, "print JSON")
	bindLabels(f, &o, "epochs")
	f.Uint64Var(&o.SplitSeed, "label-seed", 0, "seed that draws the labelled pictures")
	f.BoolVar(&o.Scratch, "from-scratch", false, "start from new parameters (the supervised baseline)")
	f.Float64Var(&o.LR, "lr", o.LR, "initial learning rate of the backbone for batches of 256; a cosine takes it to 0")
	f.Float64Var(&o.HeadLR, "head-lr", o.HeadLR, "initial learning rate of the classifier")
	f.Float64Var(&o.Momentum, "momentum", o.Momentum, "Nesterov momentum")
	f.Float64Var(&o.WeightDecay, "weight-decay", o.WeightDecay, "L2 penalty")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "seed of the classifier and of the order of pictures")
	f.IntVar(&o.Batch, "batch-size", o.Batch, "pictures of a step")
	f.IntVar(&o.Threads, "threads", 0, "threads of an operation (0: all cores)")
	bindMachine(f, &o.Machine)
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
	if o.Batch < 2 {
		return usage.Errorf("--batch-size %d: batch norm needs 2 pictures or more", o.Batch)
	}
	if err := o.Check("--epochs", f.Changed("epochs")); err != nil {
		return err
	}
	if *depth16 != "" {
		k.Config.Data.Depth16 = datasets.Depth16(*depth16)
	}
	k.Config.Machine, k.Config.Threads = o.Machine, o.Threads
	out, err := train.FineTune(ctx, p.stderr, k, o)
	if err != nil {
		return err
	}
	if *asJSON {
		e := json.NewEncoder(printable.Data(p.stdout))
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"checkpoint": k.Path, "from_scratch": o.Scratch, "results": out})
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
	if len(o.Lists) == 0 {
		fmt.Fprintf(p.stdout, "\n%s\n", o.Splits())
	}
	for _, r := range out {
		if text := train.LeftOut(map[string]train.PictureCount{"training": r.Train, "testing": r.Test}); text != "" {
			fmt.Fprintf(p.stdout, "\n%s: %s\n", r.Labels, text)
		}
	}
	return nil
}
