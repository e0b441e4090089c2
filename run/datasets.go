package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"image/png"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/train"
	"github.com/icl-msr/icl-msr/transforms"
)

func listDatasets(_ context.Context, p program, args []string) error {
	f := flags(p, "datasets", "[--dataset NAME --data-dir DIR [--samples FILE.png]]")
	c := train.Default()
	c.Data.Name = ""
	f.StringVar(&c.Data.Name, "dataset", "", "data set to look at")
	f.StringVar(&c.Data.Dir, "data-dir", "", "folder of its files")
	f.BoolVar(&c.Data.Unlabelled, "unlabelled", false, "stl10: include its unlabelled pictures")
	f.StringVar(&c.Classes, "classes", "",
		"for data sets in class folders, the classes to use: a comma-separated list, a file, or "+datasets.ImageNet100)
	f.StringVar(&c.Data.Labels, "val-labels", "", "imagenet: file with the labels of a flat val")
	f.StringVar(&c.Data.Foreground, "foreground-dir", "", "confounded: Fashion-MNIST's folder (empty: drawn objects)")
	f.Float64Var(&c.Data.Correlation, "correlation", c.Data.Correlation,
		"shapes, confounded: share of pictures whose background is that of their class")
	f.Uint64Var(&c.Data.Seed, "data-seed", c.Data.Seed, "shapes, confounded: seed that draws the pictures")
	f.StringVar((*string)(&c.Data.Depth16), "depth16", string(c.Data.Depth16), depth16Help)
	samples := f.String("samples", "", "write a PNG with three pictures of each class")
	force := f.Bool("force", false, "overwrite the file of --samples")
	checks := f.Bool("sums", true, "compare the files with the published checksums, if there are any")
	if err := parse(f, args); err != nil {
		return err
	}
	if *samples != "" {
		// A file in the data set's folder may be one of its pictures, so --force does not apply there.
		safe := *force && (c.Data.Dir == "" || !outfile.Within(c.Data.Dir, *samples))
		if err := (outfile.File{Setting: "--samples", Path: *samples, Force: safe, Picture: true}).Check(); err != nil {
			return err
		}
	}
	if c.Data.Name == "" {
		for _, d := range datasets.All() {
			fmt.Fprintf(p.stdout, "%s\n  %s\n  files: %s\n  from:  %s\n", d.Name, d.About, d.Layout, d.Source)
		}
		return nil
	}
	var sets []datasets.Dataset
	for _, training := range []bool{true, false} {
		if c.Data.Name == "unlabelled" && !training {
			break
		}
		ds, err := c.OpenPart(training, c.Data.Unlabelled)
		if err != nil {
			train.TellNotes(p.stdout, sets...)
			return err
		}
		defer datasets.Close(ds)
		sets = append(sets, ds)
		if err := describeDataset(p.stdout, ds); err != nil {
			return err
		}
		if training && *samples != "" {
			if err := writeSamples(ds, *samples); err != nil {
				return err
			}
		}
	}
	train.TellNotes(p.stdout, sets...)
	if !*checks {
		return nil
	}
	for _, d := range datasets.All() {
		if d.Name == c.Data.Name {
			return checkSums(p.stdout, c.Data.Dir, d.Sums)
		}
	}
	return nil
}

// describeDataset prints the number of pictures of each class, and the sizes of some pictures.
func describeDataset(out io.Writer, ds datasets.Dataset) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	least, most := [2]int{math.MaxInt, math.MaxInt}, [2]int{}
	looked := min(ds.Len(), 20)
	for k := range looked {
		m, err := ds.Image(k * ds.Len() / looked)
		if err != nil {
			fmt.Fprintf(w, "  cannot be read: %v\n", err)
			continue
		}
		least = [2]int{min(least[0], m.Width), min(least[1], m.Height)}
		most = [2]int{max(most[0], m.Width), max(most[1], m.Height)}
	}
	size := fmt.Sprintf("%dx%d pixels", least[0], least[1])
	if least != most {
		size += fmt.Sprintf(" to %dx%d, of the %d looked at", most[0], most[1], looked)
	}
	counts, labelled := datasets.Counts(ds), 0
	for _, n := range counts {
		labelled += n
	}
	fmt.Fprintf(w, "%s: %d pictures, %s\n", ds.Name(), ds.Len(), size)
	for l, name := range ds.Classes() {
		fmt.Fprintf(w, "  %s\t%d\n", name, counts[l])
	}
	if rest := ds.Len() - labelled; rest > 0 {
		fmt.Fprintf(w, "  without a label\t%d\n", rest)
	}
	return w.Flush()
}

// checkSums compares the files that exist with their published checksums.
func checkSums(out io.Writer, dir string, sums []datasets.Sum) error {
	for _, s := range sums {
		f, err := os.Open(filepath.Join(dir, s.Path))
		if errors.Is(err, fs.ErrNotExist) {
			f, err = os.Open(filepath.Join(dir, filepath.Base(s.Path)))
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		h := md5.New()
		_, err = io.Copy(h, f)
		f.Close()
		if err != nil {
			return err
		}
		verdict := "as published"
		if sum := hex.EncodeToString(h.Sum(nil)); sum != s.MD5 {
			verdict = fmt.Sprintf("NOT as published: MD5 %s, want %s", sum, s.MD5)
		}
		fmt.Fprintf(out, "%s: %s\n", s.Path, verdict)
	}
	return nil
}

// writeSamples writes three pictures of each class, in all variants if the foreground is known.
func writeSamples(ds datasets.Dataset, path string) error {
	rows := make([][]transforms.Image, max(1, len(ds.Classes())))
	for i := range ds.Len() {
		l := max(0, ds.Label(i))
		per, foreground := 3, false
		fg, ok := ds.(datasets.Foreground)
		if ok {
			per, foreground = 3*len(datasets.Variants(fg)), true
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
		for _, v := range datasets.Variants(fg) {
			m, err := fg.Variant(i, v)
			if err != nil {
				return err
			}
			rows[l] = append(rows[l], m)
		}
	}
	return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, datasets.Grid(rows, 64)) })
}
