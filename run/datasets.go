package main

import (
	"context"
	"fmt"
	"image/png"
	"io"
	"text/tabwriter"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/transforms"
)

func listDatasets(_ context.Context, p program, args []string) error {
	f := flags(p, "datasets", "[--dataset NAME --data-dir DIR [--samples FILE.png]]")
	o := datasets.Options{}
	f.StringVar(&o.Name, "dataset", "", "look at this one")
	f.StringVar(&o.Dir, "data-dir", "", "where its files are")
	f.StringVar(&o.Foreground, "foreground-dir", "", "confounded: Fashion-MNIST's folder (empty: drawn objects)")
	f.Float64Var(&o.Correlation, "correlation", 0.5, "shapes, confounded: share of pictures whose background is their class's")
	f.Uint64Var(&o.Seed, "data-seed", 1, "shapes, confounded: seed of the pictures")
	samples := f.String("samples", "", "write a PNG with pictures of each class")
	if err := parse(f, args); err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	if o.Name == "" {
		for _, d := range datasets.All() {
			fmt.Fprintf(w, "%s\t%s\n\tfiles: %s\n", d.Name, d.About, d.Layout)
		}
		return w.Flush()
	}
	for _, train := range []bool{true, false} {
		o.Train = train
		ds, err := datasets.Open(o)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %d pictures\n", ds.Name(), ds.Len())
		counts := datasets.Counts(ds)
		for l, name := range ds.Classes() {
			fmt.Fprintf(w, "  %s\t%d\n", name, counts[l])
		}
		if train && *samples != "" {
			if err := writeSamples(ds, *samples); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

// writeSamples draws three pictures of each class, in all variants where the
// foreground is known.
func writeSamples(ds datasets.Dataset, path string) error {
	rows := make([][]transforms.Image, len(ds.Classes()))
	for i := range ds.Len() {
		l := ds.Label(i)
		per, foreground := 3, false
		fg, ok := ds.(datasets.Foreground)
		if ok {
			per, foreground = 9, true
		}
		if len(rows[l]) >= per {
			continue
		}
		if !foreground {
			m, err := ds.Image(i)
			if err != nil {
				return err
			}
			rows[l] = append(rows[l], m.Clone())
			continue
		}
		for _, v := range datasets.Variants() {
			m, err := fg.Variant(i, v)
			if err != nil {
				return err
			}
			rows[l] = append(rows[l], m)
		}
	}
	return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, datasets.Grid(rows, 64)) })
}
