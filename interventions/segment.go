package interventions

import "math"

// Constants of the segmentation, in grey levels and pixels.
const (
	segmentScale = 200 // a larger scale makes larger regions
	segmentLeast = 6   // smaller regions join a neighbour
	segmentStep  = 0.25
	segmentSteps = 2048 // differences of colours are below segmentStep*segmentSteps
)

// segments holds the buffers of a segmentation.
type segments struct {
	parent, size []int32
	inner        []float32 // largest difference within a region
	joints       []joint   // sorted by difference
	unsorted     []joint
	starts       [segmentSteps + 1]int32
}

// joint is the edge between two neighbouring pixels.
type joint struct {
	difference float32
	a, b       int32
}

// split divides a picture into connected regions of nearly one colour (Felzenszwalb and Huttenlocher, Efficient
// Graph-Based Image Segmentation, 2004). Afterwards g.root(i) is the region of pixel i.
func (g *segments) split(pixels []colour, width int) {
	n := len(pixels)
	g.parent, g.size, g.inner = grow(g.parent, n), grow(g.size, n), grow(g.inner, n)
	for i := range n {
		g.parent[i], g.size[i], g.inner[i] = int32(i), 1, 0
	}
	g.sortJoints(pixels, width)
	for _, j := range g.joints {
		x, y := g.root(j.a), g.root(j.b)
		if x != y && j.difference <= min(g.bound(x), g.bound(y)) {
			g.unite(x, y, j.difference)
		}
	}
	for _, j := range g.joints {
		if x, y := g.root(j.a), g.root(j.b); x != y && min(g.size[x], g.size[y]) < segmentLeast {
			g.unite(x, y, j.difference)
		}
	}
}

// bound is the largest difference at which region x may join another one.
func (g *segments) bound(x int32) float32 { return g.inner[x] + segmentScale/float32(g.size[x]) }

// sortJoints sorts all joints by their difference, in steps of segmentStep. It is a counting sort.
func (g *segments) sortJoints(pixels []colour, width int) {
	g.unsorted = g.unsorted[:0]
	clear(g.starts[:])
	add := func(a, b int) {
		d := float32(math.Sqrt(float64(pixels[a].distance2(pixels[b]))))
		g.unsorted = append(g.unsorted, joint{d, int32(a), int32(b)})
		g.starts[stepOf(d)+1]++
	}
	for i := range pixels {
		if i%width < width-1 {
			add(i, i+1)
		}
		if i+width < len(pixels) {
			add(i, i+width)
		}
	}
	for k := range segmentSteps {
		g.starts[k+1] += g.starts[k]
	}
	g.joints = grow(g.joints, len(g.unsorted))
	for _, j := range g.unsorted {
		at := &g.starts[stepOf(j.difference)]
		g.joints[*at] = j
		*at++
	}
}

func stepOf(d float32) int { return min(segmentSteps-1, int(d/segmentStep)) }

// root returns the number of the region of pixel i.
func (g *segments) root(i int32) int32 {
	for g.parent[i] != i {
		g.parent[i] = g.parent[g.parent[i]]
		i = g.parent[i]
	}
	return i
}

func (g *segments) unite(x, y int32, difference float32) {
	g.parent[y] = x
	g.size[x] += g.size[y]
	g.inner[x] = max(g.inner[x], difference)
}
