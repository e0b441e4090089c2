package datasets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"

	"github.com/icl-msr/icl-msr/transforms"
)

// annotations has the fields of an instances file that are read.
type annotations struct {
	Images []struct {
		ID            int64
		FileName      string `json:"file_name"`
		Width, Height int
	}
	Annotations []struct {
		Image    int64     `json:"image_id"`
		Category int64     `json:"category_id"`
		Box      []float64 `json:"bbox"`
		Crowd    int       `json:"iscrowd"`
	}
	Categories []struct {
		ID   int64
		Name string
	}
}

// readAnnotations reads an instances file as a stream and skips the outlines.
func readAnnotations(r io.Reader) (a annotations, err error) {
	d := json.NewDecoder(r)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return a, errors.Join(errors.New("not a JSON object"), err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return a, err
		}
		switch key {
		case "images":
			err = items(d, &a.Images)
		case "annotations":
			err = items(d, &a.Annotations)
		case "categories":
			err = items(d, &a.Categories)
		default:
			var skip json.RawMessage
			err = d.Decode(&skip)
		}
		if err != nil {
			return a, fmt.Errorf("%v: %w", key, err)
		}
	}
	_, err = d.Token()
	return a, err
}

// items appends the items of a JSON array to into, one by one.
func items[T any](d *json.Decoder, into *[]T) error {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return errors.Join(errors.New("not an array"), err)
	}
	for d.More() {
		var v T
		if err := d.Decode(&v); err != nil {
			return err
		}
		*into = append(*into, v)
	}
	_, err := d.Token()
	return err
}

// single selects the pictures in dir that have exactly one object of the 30 classes.
func (a annotations) single(dir string) (*coco, error) {
	class := map[int64]int{}
	for _, c := range a.Categories {
		if k := slices.Index(cocoClasses(), c.Name); k >= 0 {
			class[c.ID] = k
		}
	}
	if len(class) != len(cocoClasses()) {
		return nil, fmt.Errorf("the file has %d of the paper's %d categories", len(class), len(cocoClasses()))
	}
	objects := map[int64]int{} // number of objects, by picture
	only := map[int64]int{}    // index of the last object, by picture
	for i, x := range a.Annotations {
		objects[x.Image]++
		if x.Crowd != 0 {
			objects[x.Image]++ // a crowd is several objects in one box
		}
		only[x.Image] = i
	}
	d := &coco{}
	l := listing{classes: cocoClasses(), root: dir}
	for _, m := range a.Images {
		if objects[m.ID] != 1 {
			continue
		}
		x := a.Annotations[only[m.ID]]
		k, ok := class[x.Category]
		if !ok {
			continue
		}
		if !filepath.IsLocal(m.FileName) {
			return nil, fmt.Errorf("picture %d is %q, outside of the folder", m.ID, m.FileName)
		}
		box, err := pixelBox(x.Box, m.Width, m.Height)
		if err != nil {
			return nil, fmt.Errorf("picture %d: %w", m.ID, err)
		}
		l.paths, l.labels = append(l.paths, filepath.Join(dir, m.FileName)), append(l.labels, k)
		d.boxes = append(d.boxes, box)
	}
	if len(l.paths) < 2 {
		return nil, fmt.Errorf("only %d pictures have exactly one object of the paper's classes", len(l.paths))
	}
	d.files = newFiles("", l)
	return d, nil
}

// pixelBox rounds COCO's [x, y, width, height] to whole pixels and clips it to the picture.
func pixelBox(b []float64, width, height int) (transforms.Box, error) {
	if len(b) != 4 || width < 1 || height < 1 {
		return transforms.Box{}, fmt.Errorf("box %v in %dx%d pixels", b, width, height)
	}
	clip := func(v float64, n int) int { return int(min(float64(n), max(0, math.Round(v)))) }
	left, top := min(clip(b[0], width), width-1), min(clip(b[1], height), height-1)
	right, bottom := max(left+1, clip(b[0]+b[2], width)), max(top+1, clip(b[1]+b[3], height))
	return transforms.Box{Left: left, Top: top, Width: right - left, Height: bottom - top}, nil
}
