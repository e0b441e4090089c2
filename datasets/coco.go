package datasets

import (
	"fmt"
	"os"
	"path/filepath"

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
	return []string{
		"airplane",
		"banana",
		"bear",
		"bed",
		"bench",
		"bird",
		"boat",
		"broccoli",
		"bus",
		"cat",
		"clock",
		"cow",
		"dog",
		"elephant",
		"fire hydrant",
		"giraffe",
		"horse",
		"motorcycle",
		"person",
		"pizza",
		"scissors",
		"sink",
		"stop sign",
		"teddy bear",
		"toilet",
		"traffic light",
		"train",
		"truck",
		"vase",
		"zebra",
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
		return nil, fmt.Errorf(
			"coco: no annotations/instances_%s2017.json (or 2014) in %s; unpack COCO's annotations there",
			which,
			o.Dir,
		)
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
		out := transforms.ResizedCrop(
			other,
			transforms.Box{Width: other.Width, Height: other.Height},
			m.Width,
			m.Height,
			transforms.Bilinear,
		)
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
