package train

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torchscript"
)

// guessed is the network that a file's names and shapes tell. Arch is empty where
// none here has its blocks.
type guessed struct {
	Arch  string
	Width float64
	Stem  nets.Stem // a 3x3 one may be cifar or stl: they differ in a pooling alone
	Is    torchscript.ResNet
}

// unbuilt is the error of a ResNet that is none of this program's.
type unbuilt struct{ guessed }

func (u *unbuilt) Error() string {
	out := fmt.Sprintf("it holds a %s, which is not built here (%s are)", u.Is, strings.Join(nets.Arches(), ", "))
	switch u.Is.Channels {
	case 0, 3:
		out += `: in Python model.fc = torch.nn.Identity(), torch.jit.script(model).save("net.ts"), ` +
			"and give --arch torchscript:net.ts" + u.pictures() + " in place of --init"
	case 1:
		out += `: pictures have 3 channels; in Python state_dict["conv1.weight"] = ` +
			`state_dict["conv1.weight"].repeat(1, 3, 1, 1) / 3 does the same on gray ones`
	default:
		out += ": pictures have 3 channels"
	}
	if u.partly() {
		out += "; or take what fits, the rest untrained: " + u.flags() + " --init-partial"
	}
	return out
}

// pictures are the flags that say how pictures are cut for a stem; a TorchScript
// module has none.
func (g guessed) pictures() string {
	if g.Stem == nets.StemImageNet {
		return " --augment imagenet --size 224"
	}
	return ""
}

// partly reports whether a part of the network is one of this program's: its
// blocks are.
func (g guessed) partly() bool { return g.Arch != "" && g.Is.Plain() }

func (g guessed) String() string {
	stem := "a 3x3 stem"
	if g.Stem == nets.StemImageNet {
		stem = "a 7x7 stem"
	}
	return fmt.Sprintf("%s of width %g with %s", g.Arch, g.Width, stem)
}

func (g guessed) flags() string {
	out := fmt.Sprintf("--arch %s --width %g", g.Arch, g.Width) // a preset may have other ones
	if g.Stem == nets.StemCIFAR {
		return out + " --stem cifar"
	}
	return out + " --stem " + string(g.Stem)
}

func (g guessed) stemFits(stem string) bool {
	return stem == string(g.Stem) || g.Stem == nets.StemCIFAR && stem == string(nets.StemSTL)
}

// guess finds the architecture of which nothing is missing, and nothing too much;
// the error of another network is *unbuilt.
func guess(file *torchscript.Weights, l torchscript.Layout) (guessed, error) {
	is, err := torchscript.Anatomy(file, l)
	if err != nil {
		return guessed{}, err
	}
	g := guessed{Stem: nets.StemCIFAR, Width: float64(is.Width) / 64, Is: is}
	if is.Kernel == 7 || is.Stem > 1 { // deep stems are those of pictures of 224 pixels
		g.Stem = nets.StemImageNet
	}
	for _, arch := range nets.Arches() {
		backbone, err := nets.NewBackbone(arch, g.Stem, g.Width)
		if err != nil {
			return g, err
		}
		if blocks, bottleneck := backbone.Blocks(); bottleneck != is.Bottleneck || !slices.Equal(blocks, is.Blocks) {
			continue
		}
		g.Arch = arch
		m, err := torchscript.Compare(file, l, wanted(backbone))
		if err == nil && len(m.Missing)+len(m.WrongShape)+len(m.Unexpected) == 0 {
			return g, nil
		}
	}
	return g, &unbuilt{g}
}

// misfit is the error of a file that is of another network, with the flags that
// would fit.
func (c *Config) misfit(file *torchscript.Weights, m torchscript.Match) error {
	m.Ignored, m.Converted = nil, nil
	fit := fmt.Sprintf("%d tensors fit", len(m.Found))
	hint := "; --init-partial takes what fits"
	if nothing(m) {
		fit, hint = "nothing fits", ""
	}
	var other *unbuilt
	g, err := guess(file, m.Layout)
	switch {
	case errors.As(err, &other):
		return field.Errorf("{train.Initial.File} %s: %s: %w", c.Initial.File, m.Layout, err)
	case err == nil && (g.Arch != c.Arch || g.Width != c.Width || !g.stemFits(c.Stem)):
		flags := g.flags()
		if g.Stem == nets.StemCIFAR {
			flags += " (or stl)"
		}
		hint = fmt.Sprintf(": it holds a %s; give %s", g, flags) + hint
	}
	return field.Errorf("{train.Initial.File} %s: %s: %s %s ({train.Width} %g {train.Stem} %s)%s%s",
		c.Initial.File, m.Layout, fit, c.Arch, c.Width, c.Stem, c.rest(m), hint)
}

// nothing reports whether nothing fits: counters are in every network.
func nothing(m torchscript.Match) bool {
	for name := range m.Found {
		if !strings.HasSuffix(name, counterName) {
			return false
		}
	}
	return true
}

// foreignBlocks is the error of a network whose parts are no parts of this one,
// though tensors of it would fit: a deeper one's, wider or grouped blocks.
func (c *Config) foreignBlocks(file *torchscript.Weights, l torchscript.Layout) error {
	g, err := guess(file, l)
	var other *unbuilt
	if err != nil && !errors.As(err, &other) {
		return field.Errorf("{train.Initial.File}: %w", err)
	}
	backbone, err := nets.NewBackbone(c.Arch, nets.Stem(c.Stem), c.Width)
	if err != nil {
		return nil // a TorchScript module, which is compared by its names
	}
	blocks, bottleneck := backbone.Blocks()
	same := g.Is.Plain() && bottleneck == g.Is.Bottleneck && len(g.Is.Blocks) <= len(blocks)
	for stage := 0; same && stage < len(g.Is.Blocks); stage++ {
		same = g.Is.Blocks[stage] <= blocks[stage]
	}
	switch {
	case same:
		return nil
	case other != nil && !other.partly():
		return field.Errorf("{train.Initial.File} %s: %s: it is not taken in parts as %s: %w", c.Initial.File, l, c.Arch,
			other)
	}
	return field.Errorf("{train.Initial.File} %s: %s: it holds a %s and is not taken in parts as %s: give %s",
		c.Initial.File, l, g.Is, c.Arch, g.flags())
}
