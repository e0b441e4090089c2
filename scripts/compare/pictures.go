package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/transforms"
)

func augment(views int) func() error {
	p, rng := transforms.CIFAR().View, rand.New(rand.NewPCG(1, 2))
	m := transforms.NewImage(32, 32)
	for i := range m.Pix {
		m.Pix[i] = uint8(rng.UintN(256))
	}
	dst := make([]float32, 3*32*32)
	var b transforms.Scratch
	return func() error {
		for range views {
			if err := p.Apply(dst, transforms.Whole(m), rng, &b); err != nil {
				return err
			}
		}
		return nil
	}
}

// pictureViews decodes JPEG files (METHOD names the folder) and makes two views of 224 pixels of each.
func (t task) pictureViews() error {
	names, err := filepath.Glob(filepath.Join(t.method, "*.jpg"))
	if err != nil || len(names) == 0 {
		return fmt.Errorf("no pictures in %s: %w", t.method, err)
	}
	p, rng := transforms.ImageNet().View, rand.New(rand.NewPCG(1, 2))
	dst := make([]float32, 3*224*224)
	var b transforms.Scratch
	return each(func() error {
		for i := range t.batch {
			data, err := os.ReadFile(names[i%len(names)])
			if err != nil {
				return err
			}
			m, err := datasets.Decode(data)
			if err != nil {
				return err
			}
			for range 2 {
				if err := p.Apply(dst, transforms.Whole(m), rng, &b); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
