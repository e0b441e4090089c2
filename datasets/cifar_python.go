package datasets

import (
	"errors"
	"fmt"
	"slices"

	"github.com/icl-msr/icl-msr/internal/pickle"
)

// parsePickle appends the pictures of one file of the Python version: a pickled dictionary with a
// NumPy array [N, 3072] of bytes and a list of labels. No code of the pickle is run.
func (c cifar) parsePickle(d *memory, data []byte) error {
	v, _, err := pickle.Read(data, numpyGlobal)
	if err != nil {
		return fmt.Errorf("%w; fetch it again", err)
	}
	dict, ok := v.(*pickle.Dict)
	if !ok {
		return fmt.Errorf("a pickled %T; want a dictionary: not a file of %s", v, c.name)
	}
	array, ok1 := dict.Get("data")
	list, ok2 := dict.Get(c.labels)
	if !ok1 || !ok2 {
		return fmt.Errorf("no entries data and %s: not a file of %s", c.labels, c.name)
	}
	pixels, err := numpyBytes(array)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	labels, ok := list.(*pickle.List)
	if !ok || len(pixels) != cifarPixels*len(labels.Items) {
		return fmt.Errorf("%d bytes of pictures for the labels; want %d for each", len(pixels), cifarPixels)
	}
	for i, l := range labels.Items {
		label, ok := l.(int64)
		if !ok || label < 0 || label >= int64(c.classes) {
			return fmt.Errorf("label %v of picture %d; want 0 to %d", l, i, c.classes-1)
		}
		d.labels, d.images = append(
			d.labels,
			int(label),
		), append(
			d.images,
			planes(pixels[i*cifarPixels:(i+1)*cifarPixels], cifarSide, cifarSide, false),
		)
	}
	return nil
}

// numpyGlobal reports whether a pickled NumPy array may name g.
func numpyGlobal(g pickle.Global) bool {
	return slices.Contains(
		[]string{
			"numpy.core.multiarray._reconstruct",
			"numpy._core.multiarray._reconstruct",
			"numpy.core.multiarray.scalar",
			"numpy.ndarray",
			"numpy.dtype",
			"_codecs.encode",
		},
		g.String(),
	)
}

// numpyBytes returns the content of a pickled array of bytes in row-major order. The pickled state is
// (version, shape, dtype, column-major, content).
func numpyBytes(v any) ([]byte, error) {
	o, ok := v.(*pickle.Object)
	if !ok {
		return nil, fmt.Errorf("a pickled %T; want a NumPy array", v)
	}
	state, ok := o.State.(pickle.Tuple)
	if !ok || len(state) != 5 {
		return nil, errors.New("not a NumPy array's state")
	}
	dtype, ok := state[2].(*pickle.Object)
	if !ok || len(dtype.Args) == 0 || text(dtype.Args[0]) != "u1" {
		return nil, errors.New("an array of another type; want bytes (u1)")
	}
	if columns, _ := state[3].(bool); columns {
		return nil, errors.New("an array in column-major order; want row-major")
	}
	content, err := latin1(state[4])
	if err != nil {
		return nil, err
	}
	shape, _ := state[1].(pickle.Tuple)
	n := int64(1)
	for _, d := range shape {
		d, _ := d.(int64)
		if d < 0 || d > 1<<40 || n*d > 1<<40 {
			return nil, fmt.Errorf("an array of shape %v", shape)
		}
		n *= d
	}
	if n != int64(len(content)) {
		return nil, fmt.Errorf("an array of shape %v with %d bytes", shape, len(content))
	}
	return content, nil
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case pickle.Bytes:
		return string(v)
	}
	return ""
}

// latin1 returns pickled bytes. Protocol 2 of Python 3 writes them as
// _codecs.encode(string, "latin1").
func latin1(v any) ([]byte, error) {
	switch v := v.(type) {
	case pickle.Bytes:
		return v, nil
	case *pickle.Object:
		if v.Callable.String() != "_codecs.encode" || len(v.Args) != 2 || text(v.Args[1]) != "latin1" {
			break
		}
		s, _ := v.Args[0].(string)
		out := make([]byte, 0, len(s))
		for _, r := range s {
			if r > 255 {
				return nil, errors.New("a string that is not Latin-1")
			}
			out = append(out, byte(r))
		}
		return out, nil
	}
	return nil, fmt.Errorf("content %T; want bytes", v)
}
