package datasets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/icl-msr/icl-msr/transforms"
)

// Removed is the whole picture with a plain gray background. For coco, ForegroundOnly is the object
// cut out.
const Removed Variant = "background-removed"

// coco has the paper's pictures of COCO (section 6.2; Lin et al. 2014, arXiv 1405.0312): those with
// exactly one object, of 30 classes. The foreground is the object's box.
type coco struct {
	*files
	boxes []transforms.Box
	seed  uint64
	train bool
}

// cocoClasses returns the paper's 30 classes in its order.
func cocoClasses() []string {
	return []string{"airplane", "banana", "bear", "bed", "bench", "bird", "boat", "broccoli", "bus", "cat", "clock", "cow", "dog", "elephant", "fire hydrant", "giraffe",
		"horse", "motorcycle", "person", "pizza", "scissors", "sink", "stop sign", "teddy bear", "toilet", "traffic light", "train", "truck", "vase", "zebra"}
}

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
	}
	Categories []struct {
		ID   int64
		Name string
	}
}

func openCOCO(o Options) (Dataset, error) {
	which := "val"
	if o.Train {
		which = "train"
	}
	year, instances := "", ""
	for _, y := range []string{"2017", "2014"} {
		if p := filepath.Join(o.Dir, "annotations", "instances_"+which+y+".json"); instances == "" && isFile(p) {
			year, instances = y, p
		}
	}
	if instances == "" {
		return nil, fmt.Errorf("coco: no annotations/instances_%s2017.json (or 2014) in %s; unpack COCO's annotations there", which, o.Dir)
	}
	f, err := os.Open(instances)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a, err := readAnnotations(f)
	if err != nil {
		return nil, fmt.Errorf("coco: %s: %w", instances, err)
	}
	d, err := a.single(filepath.Join(o.Dir, which+year))
	if err != nil {
		return nil, fmt.Errorf("coco: %s: %w", instances, err)
	}
	d.name, d.seed, d.train, d.depth = splitName("coco", o.Train), o.Seed, o.Train, o.Depth16
	return d, nil
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

func (d *coco) Box(i int) transforms.Box { return d.boxes[i] }

// Variants lists the variants that coco can show.
func (d *coco) Variants() []Variant { return []Variant{Full, ForegroundOnly, Removed, NewBackground} }

func (d *coco) Variant(i int, v Variant) (transforms.Image, error) {
	m, err := d.Image(i)
	if err != nil || v == Full {
		return m, err
	}
	box, err := within(d.boxes[i], m)
	if err != nil {
		return m, fmt.Errorf("%s: %w", d.paths[i], err)
	}
	switch v {
	case ForegroundOnly:
		out := transforms.NewImage(box.Width, box.Height)
		paste(out, 0, 0, m, box)
		return out, nil
	case Removed:
		out := transforms.NewImage(m.Width, m.Height)
		for k := range out.Pix {
			out.Pix[k] = 128
		}
		paste(out, box.Left, box.Top, m, box)
		return out, nil
	case NewBackground:
		rng := stream(d.seed, d.train, i, streamNewBackground)
		other, err := d.Image(rng.IntN(d.Len()))
		if err != nil {
			return other, err
		}
		out := transforms.ResizedCrop(other, transforms.Box{Width: other.Width, Height: other.Height}, m.Width, m.Height, transforms.Bilinear)
		paste(out, box.Left, box.Top, m, box)
		return out, nil
	}
	return m, fmt.Errorf("coco has no variant %q", v)
}

// within clips the box to the picture. The picture may have another size than the annotations say.
func within(b transforms.Box, m transforms.Image) (transforms.Box, error) {
	b.Width, b.Height = min(b.Width, m.Width-b.Left), min(b.Height, m.Height-b.Top)
	if b.Width < 1 || b.Height < 1 {
		return b, fmt.Errorf("the picture has %dx%d pixels, and its box begins outside of it", m.Width, m.Height)
	}
	return b, nil
}

// paste copies box of src to dst at (left, top).
func paste(dst transforms.Image, left, top int, src transforms.Image, box transforms.Box) {
	for y := range box.Height {
		from := 3 * ((box.Top+y)*src.Width + box.Left)
		copy(dst.Pix[3*((top+y)*dst.Width+left):][:3*box.Width], src.Pix[from:from+3*box.Width])
	}
}
