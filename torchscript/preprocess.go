package torchscript

import (
	"fmt"
	"strconv"
	"strings"
)

// Preprocess is the preparation of pictures before the network, in TorchScript. It maps pictures [N, 3, H, W], uint8
// from 0 to 255 or floating-point from 0 to 1, to normalised ones [N, 3, Size, Size], as transforms.Plain does. The
// shorter side becomes Resize pixels, and the centre is cut out. If Resize is 0, the whole picture is resized to Size x
// Size. Resizing is bicubic with antialiasing, as PIL's. uint8 pictures are rounded to whole levels after each
// direction, as by PIL.
type Preprocess struct {
	Size, Resize int
	Mean, Std    [3]float64
	Lab          bool // convert to CIE L*a*b* before the normalisation
}

// source is the TorchScript of the method preprocess.
func (p Preprocess) source() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "    "+format+"\n", args...) }
	b.WriteString("def preprocess(self, x: Tensor) -> Tensor:\n")
	line("levels = not torch.is_floating_point(x)")
	line("y = x.to(dtype=6)") // torch.float32
	line("if levels:")
	line("    y = y / 255")
	resize := func(indent, height, width string) { // along the rows, then along the columns, as PIL does
		for _, size := range []string{"y.size(2), " + width, height + ", y.size(3)"} {
			line("%sy = torch.clamp(torch._upsample_bicubic2d_aa(y, [%s], False, None, None), 0, 1)", indent, size)
			line("%sif levels:", indent)
			line("%s    y = torch.round(y * 255) / 255", indent)
		}
	}
	if p.Resize > 0 {
		line("h, w = y.size(2), y.size(3)")
		line("short = min(h, w)")
		line("h, w = h * %d // short, w * %d // short", p.Resize, p.Resize)
		line("if h != y.size(2) or w != y.size(3):")
		resize("    ", "h", "w")
		line("side = min(min(h, w), %d)", p.Size)
		for _, v := range []string{"h", "w"} { // half of the remainder, rounded to even
			line("%s = (%s - side) // 2 + (%s - side) %% 2 * ((%s - side) // 2 %% 2)", v, v, v, v)
		}
		line("y = torch.narrow(torch.narrow(y, 2, h, side), 3, w, side)")
	}
	line("if y.size(2) != %d or y.size(3) != %d:", p.Size, p.Size)
	resize("    ", fmt.Sprint(p.Size), fmt.Sprint(p.Size))
	if p.Lab {
		line("y = torch.where(y > 0.04045, torch.pow((y + 0.055) / 1.055, 2.4), y / 12.92)")
		line("r, g, b = y[:, 0], y[:, 1], y[:, 2]")
		line("xyz = torch.stack([(0.412453 * r + 0.357580 * g + 0.180423 * b) / 0.95047, " +
			"0.212671 * r + 0.715160 * g + 0.072169 * b, (0.019334 * r + 0.119193 * g + 0.950227 * b) / 1.08883], 1)")
		line("f = torch.where(xyz > 0.008856, torch.pow(torch.clamp(xyz, min=0.008), 1.0 / 3), 7.787 * xyz + 16.0 / 116)")
		line("y = torch.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)")
	}
	numbers := func(v [3]float64) string {
		return fmt.Sprintf("torch.tensor([%s, %s, %s], device=y.device).view(1, 3, 1, 1)",
			decimal(v[0]), decimal(v[1]), decimal(v[2]))
	}
	line("return (y - %s) / %s", numbers(p.Mean), numbers(p.Std))
	return b.String()
}

// decimal writes x as a float of TorchScript. A number without a point would be an integer.
func decimal(x float64) string {
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
