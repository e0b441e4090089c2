package datasets

import "github.com/icl-msr/icl-msr/transforms"

// memory is a data set with all pictures in memory.
type memory struct {
	name    string
	classes []string
	labels  []int // -1: no label
	images  []transforms.Image
}

func (d *memory) Name() string                          { return d.name }
func (d *memory) Len() int                              { return len(d.images) }
func (d *memory) Classes() []string                     { return d.classes }
func (d *memory) Label(i int) int                       { return d.labels[i] }
func (d *memory) Image(i int) (transforms.Image, error) { return d.images[i], nil }

// planes converts a red, a green and a blue plane of width x height pixels. The planes are in row-major
// order, or in column-major order if columnMajor is true.
func planes(p []byte, width, height int, columnMajor bool) transforms.Image {
	m := transforms.NewImage(width, height)
	size := width * height
	for y := range height {
		for x := range width {
			from := y*width + x
			if columnMajor {
				from = x*height + y
			}
			q := m.Pix[3*(y*width+x):]
			q[0], q[1], q[2] = p[from], p[size+from], p[2*size+from]
		}
	}
	return m
}
