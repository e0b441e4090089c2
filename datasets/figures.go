package datasets

import "math"

// figure is one class of drawn objects. distance is the signed distance to the outline, negative
// inside, in a square of side 2 about the origin. y points down.
type figure struct {
	name     string
	distance func(x, y float64) float64
}

// figures returns the ten classes of shapes.
func figures() []figure {
	return []figure{
		{"disc", func(x, y float64) float64 { return math.Hypot(x, y) - 0.75 }},
		{"ring", func(x, y float64) float64 { return math.Abs(math.Hypot(x, y)-0.6) - 0.17 }},
		{"square", func(x, y float64) float64 { return rectangle(x, y, 0.66, 0.66) }},
		{"triangle", triangle},
		{"star", star},
		{"cross", func(x, y float64) float64 { return min(rectangle(x, y, 0.8, 0.24), rectangle(x, y, 0.24, 0.8)) }},
		{"crescent", func(x, y float64) float64 {
			return max(math.Hypot(x, y)-0.8, 0.62-math.Hypot(x-0.36, y))
		}},
		{"heart", func(x, y float64) float64 {
			lobes := math.Hypot(math.Abs(x)-0.34, y+0.24) - 0.48
			return min(lobes, (math.Abs(x)+math.Abs(y-0.1)-0.68)/math.Sqrt2)
		}},
		{"bars", func(x, y float64) float64 { return rectangle(math.Abs(x)-0.45, y, 0.2, 0.72) }},
		{"tee", func(x, y float64) float64 {
			return min(rectangle(x, y+0.5, 0.76, 0.22), rectangle(x, y-0.08, 0.22, 0.76))
		}},
	}
}

func rectangle(x, y, w, h float64) float64 { return max(math.Abs(x)-w, math.Abs(y)-h) }

func triangle(x, y float64) float64 {
	d := y - 0.42 // the base, below
	for _, a := range []float64{-math.Pi * 5 / 6, -math.Pi / 6} {
		d = max(d, x*math.Cos(a)+y*math.Sin(a)-0.42)
	}
	return d
}

func star(x, y float64) float64 {
	const half = math.Pi / 5
	// Fold the plane into one half of one point of the star.
	t := math.Atan2(x, -y)
	t = math.Abs(t - 2*half*math.Round(t/(2*half)))
	r := math.Hypot(x, y)
	px, py := r*math.Cos(t), r*math.Sin(t)
	const tip, inner = 0.9, 0.38
	ix, iy := inner*math.Cos(half), inner*math.Sin(half)
	nx, ny := iy, tip-ix // normal of the edge from the tip to the inner corner
	return ((px-tip)*nx + py*ny) / math.Hypot(nx, ny)
}
