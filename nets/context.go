package nets

import (
	"fmt"

	"github.com/icl-msr/icl-msr/torch"
)

// Context is the head of contrastive predictive coding (Hénaff et al. 2020, arXiv 1905.09272, algorithm 1) on a grid
// of features. It maps rows [N*grid*grid, in], grid*grid for each picture, to [N, 2*grid*grid*out]: a grid of
// predictions, then a grid of targets, each of out numbers. A target is a linear function of its own feature. A
// prediction sees the features of its own row of the grid and of the rows above.
type Context struct {
	in, hidden, out, grid, blocks int64
	params                        []Spec
}

// NewContext builds the head. The paper's has 5 blocks of 256 hidden channels.
func NewContext(in, hidden, out, grid, blocks int64) *Context {
	c := &Context{in: in, hidden: hidden, out: out, grid: grid, blocks: blocks}
	conv := func(name string, in, out, height, width int64) {
		init := LinearUniform(in * height * width)
		c.params = append(c.params,
			Spec{name + ".weight", []int64{out, in, height, width}, init},
			Spec{name + ".bias", []int64{out}, init},
		)
	}
	conv("target", in, out, 1, 1)
	for i := range blocks {
		name := fmt.Sprintf("context.%d", i)
		conv(name+".reduce", in, hidden, 1, 1)
		conv(name+".look", hidden, hidden, 2, 3)
		conv(name+".expand", hidden, in, 1, 1)
	}
	conv("predict", in, out, 1, 1)
	return c
}

// Params implements Network.
func (c *Context) Params() []Spec { return c.params }

// Buffers implements Network.
func (c *Context) Buffers() []Spec { return nil }

// Dim implements Encoder.
func (c *Context) Dim() int64 { return 2 * c.grid * c.grid * c.out }

// Forward implements Network.
func (c *Context) Forward(s *torch.Scope, p, _ []torch.Tensor, x torch.Tensor, _ Mode) torch.Tensor {
	if !Check(s, "context network", c.params, p) {
		return torch.Tensor{}
	}
	conv := func(x torch.Tensor, pad int64) torch.Tensor {
		y := s.Conv2d(x, p[0], p[1], 1, pad)
		p = p[2:]
		return y
	}
	grid := s.Transpose(s.Transpose(s.Reshape(x, -1, c.grid, c.grid, c.in), 2, 3), 1, 2) // [N, in, grid, grid]
	flat := func(x torch.Tensor) torch.Tensor {
		return s.Reshape(s.Transpose(s.Transpose(x, 1, 2), 2, 3), -1, c.grid*c.grid*c.out)
	}
	targets := flat(conv(grid, 0))
	context := grid
	for range c.blocks {
		y := s.ReLU(conv(context, 0))
		// Padding on all sides makes one row too many. Row i then sees rows i-1 and i.
		y = s.ReLU(s.Narrow(conv(y, 1), 2, 0, c.grid))
		context = s.Add(context, conv(y, 0))
	}
	return s.Cat(1, flat(conv(s.ReLU(context), 0)), targets)
}
