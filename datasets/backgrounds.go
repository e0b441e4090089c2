package datasets

import "fmt"

// Backgrounds is a data set that knows the kinds of its pictures' backgrounds.
type Backgrounds interface {
	Foreground
	// Background is the kind of background of picture i as v shows it, from 0; -1 where v shows none.
	Background(i int, v Variant) int
}

// Background implements Backgrounds with the family that drew the background.
func (d *shapes) Background(i int, v Variant) int {
	switch v {
	case Full:
		rng := stream(d.o.Seed, d.o.Train, i, streamBackground)
		return backgroundClass(d.Label(i)%backdropFamilies, backdropFamilies+plainFamilies, d.o.Correlation, rng)
	case NewBackground:
		return stream(d.o.Seed, d.o.Train, i, streamNewBackground).IntN(backdropFamilies)
	}
	return -1
}

// Background implements Backgrounds with the class of the photograph behind the object.
func (d *confounded) Background(i int, v Variant) int {
	switch v {
	case Full:
		rng := stream(d.o.Seed, d.o.Train, i, streamBackground)
		return backgroundClass(d.Label(i)%len(d.byClass), len(d.byClass), d.o.Correlation, rng)
	case NewBackground:
		return stream(d.o.Seed, d.o.Train, i, streamNewBackground).IntN(len(d.byClass))
	}
	return -1
}

// Twins are the pictures of a data set, each shown a second time with the same object on another background.
type Twins struct {
	Dataset         Foreground
	Pictures, Twins Dataset // picture i and its twin i
	Labels          []int
	Background      []int // kind of the picture's background
	TwinBackground  []int // kind of the twin's background
}

// First are the first n pictures, or all if there are fewer.
func (t Twins) First(n int) Twins {
	n = min(n, len(t.Labels))
	which := make([]int, n)
	for i := range which {
		which[i] = i
	}
	return Twins{
		Dataset:        t.Dataset,
		Pictures:       &subset{t.Pictures, t.Pictures.Name(), which},
		Twins:          &subset{t.Twins, t.Twins.Name(), which},
		Labels:         t.Labels[:n],
		Background:     t.Background[:n],
		TwinBackground: t.TwinBackground[:n],
	}
}

// TwinsOf returns the pictures of ds beside those that NewBackground shows. It is an error if ds does not know the
// kinds of its backgrounds.
func TwinsOf(ds Dataset) (Twins, error) {
	if v, ok := ds.(variant); ok && v.v == Full {
		ds = v.Foreground
	}
	b, ok := ds.(Backgrounds)
	if !ok {
		return Twins{}, fmt.Errorf("%s does not know its backgrounds, so that no twins can be made", ds.Name())
	}
	t := Twins{Dataset: b, Pictures: WithVariant(b, Full), Twins: WithVariant(b, NewBackground)}
	for i := range b.Len() {
		t.Labels = append(t.Labels, b.Label(i))
		t.Background = append(t.Background, b.Background(i, Full))
		t.TwinBackground = append(t.TwinBackground, b.Background(i, NewBackground))
	}
	return t, nil
}
