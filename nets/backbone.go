package nets

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
)

// BackboneConfig names a backbone.
type BackboneConfig struct {
	Arch  string  // one of a family's Arches
	Width float64 // factor of the channels; 1 in the papers
	Stem  Stem
}

// Family is a kind of backbones. Adding one takes a file with its networks and a row in Families.
type Family struct {
	Name   string   // as "ResNet"
	Arches []string // the names of its networks, as "resnet18"
	// New builds the network that c names, whose Arch is one of Arches.
	New func(c BackboneConfig) (Encoder, error)
	// StateDict finds the family's networks in files.
	StateDict StateDict
	// Python returns statements that make m, torchvision's network with the same tensors and a classifier fc. It returns
	// "" if torchvision lacks the network. Nil: torchvision lacks the family.
	Python func(c BackboneConfig) string
}

// Families returns the families that NewBackbone knows, one a row.
func Families() []Family {
	return []Family{
		resNets(),
	}
}

// FamilyOf returns the family of an architecture, one of Families or of more.
func FamilyOf(arch string, more ...Family) (Family, bool) {
	for _, f := range append(Families(), more...) {
		if slices.Contains(f.Arches, arch) {
			return f, true
		}
	}
	return Family{}, false
}

// Arches returns the names that NewBackbone knows.
func Arches() (names []string) {
	for _, f := range Families() {
		names = append(names, f.Arches...)
	}
	return names
}

// NewBackbone builds a backbone by name. width is a factor of its channels: a ResNet has 64 of them in its first
// stage at width 1.
func NewBackbone(arch string, stem Stem, width float64) (Encoder, error) {
	f, ok := FamilyOf(arch)
	if !ok {
		return nil, field.Errorf("{nets.Arch} %q is unknown; known: %s", arch, strings.Join(Arches(), ", "))
	}
	return f.New(BackboneConfig{arch, width, stem})
}

// scaled returns a first stage's channels: those at width 1 times the width.
func scaled(channels int64, width float64) (int64, error) {
	n := int64(math.Round(float64(channels) * width))
	if !(width > 0) || n < 1 || n > 4096 {
		return 0, field.Errorf("{nets.Width} %g gives %d channels in the first stage; use 0.125 to 4", width, n)
	}
	return n, nil
}

// Anatomy is what the names and shapes of a file's tensors tell of a network.
type Anatomy struct {
	// Text names the network, as "ResNet-101 (bottleneck blocks 3, 4, 23, 3)".
	Text string
	// BackboneConfig is the family's network of these blocks. Arch is "" if the family has none.
	BackboneConfig
	// Stems are all that the first layers may be; Stem is the first of them. They are nil if a family has one only.
	Stems []Stem
	// Channels are a picture's; 0: unknown.
	Channels int64
	// First is the first convolution's kernel, as "conv1.weight".
	First string
	// PartOf reports whether the network's blocks are also those of an architecture, so that a part of it may be
	// taken. Nil: they are not.
	PartOf func(arch string) bool
}

// String returns Text.
func (a Anatomy) String() string { return a.Text }

// Partly reports whether the network's blocks are those of an architecture.
func (a Anatomy) Partly(arch string) bool { return arch != "" && a.PartOf != nil && a.PartOf(arch) }

// Describe says which of the family's networks it is, as "resnet18 of width 1 with a 7x7 stem".
func (a Anatomy) Describe() string {
	out := fmt.Sprintf("%s of width %g", a.Arch, a.Width)
	if len(a.Stems) > 0 {
		k := a.Stem.kernel()
		out += fmt.Sprintf(" with a %dx%d stem", k, k)
	}
	return out
}
