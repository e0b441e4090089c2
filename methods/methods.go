// Package methods holds the self-supervised methods, one a file: their head and
// their loss. MSR is put on any of them by package meta.
package methods

import (
	"fmt"

	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
)

// Short names for what every signature here mentions.
type (
	// Tensor is a handle to a LibTorch tensor.
	Tensor = libtorch.Tensor
	// Scope owns tensors and keeps the first error.
	Scope = libtorch.Scope
)

// Method is a self-supervised method: its views, its networks, its loss.
type Method interface {
	// Name is the method's name on the command line.
	Name() string
	// Views are the views that a batch holds, in order. The first two are those
	// that the do-loss compares.
	Views() []View
	// Networks puts the method's networks on a backbone.
	Networks(backbone nets.Encoder) (Networks, error)
	// Loss is the method's own loss, L_ct, of a pass whose H and Z are there.
	Loss(s *Scope, p *Pass) Tensor
	// Temperature is tau of the do-loss that MSR adds.
	Temperature() float64
	// Momentum is tau of the target network's moving average at a progress from
	// 0 to 1; of no meaning without a target.
	Momentum(progress float64) float64
}

// Updater is a method that moves a state of its own after each optimizer step.
type Updater interface {
	Update(s *Scope, p *Pass)
}

// Contraster is a method whose do-loss compares other embeddings than those of
// the first two views, or has more negatives.
type Contraster interface {
	Contrast(s *Scope, p *Pass) losses.Batch
}

// Cutter is a method whose backbone sees parts of the views: Cut maps views
// [N, 3, S, S] to [N*parts, 3, P, P], a picture's parts together.
type Cutter interface {
	Cut(s *Scope, views Tensor) Tensor
}

// Arranger is a method that does not compare views one by one: Arrange makes the
// compared embeddings of what the projector gave for each view.
type Arranger interface {
	Arrange(s *Scope, y []Tensor) []Tensor
}

// Surveyor is a method that looks at all pictures before an epoch.
type Surveyor interface {
	// Surveys reports whether it does so before the epoch that the clock is at.
	Surveys(c Clock) bool
	// Survey sets the method's state from the embeddings z [pictures, d] of the
	// un-augmented pictures in the data set's order, by the target network where
	// there is one.
	Survey(s *Scope, p *Pass, z Tensor)
}

// Freezer is a method that leaves some gradients out: it sets those of theta
// that are not to be used to none.
type Freezer interface {
	Freeze(p *Pass, grads []Tensor)
}

// View says how a view of a picture is made.
type View string

// The kinds of views. What each is depends on the data set's augmentation.
const (
	Strong View = "strong" // the augmentation of section 6.2
	Weak   View = "weak"   // crop and flip alone
	Small  View = "small"  // a smaller crop of a smaller share of the picture (multi-crop)
	Lab    View = "lab"    // strong, in the colours L, a, b; un-augmented pictures are then, too
	Rand   View = "rand"   // strong, with RandAugment (InfoMin)
)

func two() []View { return []View{Strong, Strong} }

// Config holds what methods share.
type Config struct {
	Temperature float64 // tau
	Hidden      int64   // width of the head's hidden layer; 1024 in the paper
	Dim         int64   // width of the embeddings; 64 on CIFAR, 128 otherwise
	Momentum    float64 // first tau of the target network; 0: the method's own
	Queue       int64   // rows of the queue; 0: the method's own
	Prototypes  []int64 // numbers of prototypes; none: the method's own
	Pictures    int64   // of the data set
	// Projector makes the projection head on dim features; nil: nets.NewProjector.
	Projector func(dim int64) nets.Encoder
}

// projector is the part of that name.
func (c Config) projector(dim int64) Part {
	if c.Projector != nil {
		return Part{ProjectorPart, c.Projector(dim)}
	}
	return Part{ProjectorPart, nets.NewProjector(dim, c.Hidden, c.Dim)}
}

// online are the backbone, the projector and more parts.
func (c Config) online(backbone nets.Encoder, more ...Part) []Part {
	return append([]Part{{BackbonePart, backbone}, c.projector(backbone.Dim())}, more...)
}

// base is what most methods share: two strong views, a projector, the
// configuration's temperature.
type base struct {
	c    Config
	name string
}

func (m base) Name() string               { return m.name }
func (m base) Views() []View              { return two() }
func (m base) Temperature() float64       { return m.c.Temperature }
func (m base) Momentum(_ float64) float64 { return m.c.Momentum }
func (m base) Networks(backbone nets.Encoder) (Networks, error) {
	return Networks{Online: m.c.online(backbone)}, nil
}

// Validate reports what is wrong with the configuration.
func (c Config) Validate() error {
	if !(c.Temperature > 0) || c.Temperature > 1e6 {
		return fmt.Errorf("temperature %g; want a positive number (0.5 in the paper)", c.Temperature)
	}
	if !(c.Momentum >= 0 && c.Momentum <= 1) {
		return fmt.Errorf("momentum %g of the target network; want 0 to 1", c.Momentum)
	}
	if c.Queue < 0 {
		return fmt.Errorf("queue of %d rows; want 0 or more", c.Queue)
	}
	for _, n := range c.Prototypes {
		if n < 2 {
			return fmt.Errorf("%d prototypes; want 2 or more", n)
		}
	}
	if c.Hidden < 1 || c.Dim < 1 {
		return fmt.Errorf("head of %d hidden units and %d outputs; want positive numbers", c.Hidden, c.Dim)
	}
	return nil
}

// Info describes a method in lists.
type Info struct {
	Name, Paper string
	Recipe      Recipe
}

// Recipe are a method's constants: what its name sets unless they are given.
type Recipe struct {
	Lambda, Gamma float64 // of MSR on it: the paper's, section 6.3, where its tables have the method
	Temperature   float64 // tau, of the method and of the do-loss on it
}

// registry is the table of methods: a new one is a file, and a row here.
func registry() []entry {
	return []entry{
		{Info{"simclr", "Chen et al. 2020, SimCLR", Recipe{1, 1, 0.5}}, newSimCLR},
		{Info{"byol", "Grill et al. 2020, BYOL", Recipe{0.1, 1, 0.5}}, newBYOL},
		{Info{"simsiam", "Chen and He 2021, SimSiam", Recipe{0.1, 1, 0.5}}, newSimSiam},
		{Info{"directpred", "Tian et al. 2021, DirectPred", Recipe{0.1, 1, 0.5}}, newDirectPred},
		{Info{"moco", "He et al. 2020, Chen et al. 2020, MoCo v2", Recipe{1, 1, 0.2}}, newMoCo},
		{Info{"infomin", "Tian et al. 2020, InfoMin", Recipe{1, 1, 0.2}}, newInfoMin},
		{Info{"cmc", "Tian et al. 2020, CMC", Recipe{0.1, 0.1, 0.1}}, newCMC},
		{Info{"cpc", "Hénaff et al. 2020, CPC v2", Recipe{1, 1, 0.1}}, newCPC},
		{Info{"pcl", "Li et al. 2021, PCL", Recipe{1, 1, 0.2}}, newPCL},
		{Info{"ressl", "Zheng et al. 2021, ReSSL", Recipe{0.01, 1, 0.1}}, newReSSL},
		{Info{"swav", "Caron et al. 2020, SwAV", Recipe{0.1, 1, 0.1}}, newSwAV},
		{Info{"dcl", "Chuang et al. 2020, debiased contrastive learning", Recipe{1, 1, 0.5}}, newDCL},
		{Info{"dclw", "Yeh et al. 2022, decoupled contrastive learning", Recipe{1, 1, 0.1}}, newDCLW},
		{Info{"lmcl", "Chen et al. 2021, large-margin contrastive learning", Recipe{0.1, 1, 0.5}}, newLMCL},
		{Info{"relic", "Mitrovic et al. 2021, RELIC", Recipe{1, 1, 0.5}}, newRELIC},
		{Info{"align_uniform", "Wang and Isola 2020, alignment and uniformity", Recipe{1, 1, 0.5}}, newAlignUniform},
		{Info{"barlow_twins", "Zbontar et al. 2021, Barlow Twins", Recipe{1, 1, 0.5}}, newBarlowTwins},
		{Info{"vicreg", "Bardes et al. 2022, VICReg", Recipe{1, 1, 0.5}}, newVICReg},
		{Info{"w_mse", "Ermolov et al. 2021, W-MSE", Recipe{1, 1, 0.5}}, newWMSE},
		{Info{"ssl_hsic", "Li et al. 2021, SSL-HSIC", Recipe{1, 1, 0.5}}, newSSLHSIC},
	}
}

type entry struct {
	Info
	build func(Config) Method
}

// All lists the methods.
func All() []Info {
	var out []Info
	for _, e := range registry() {
		out = append(out, e.Info)
	}
	return out
}

// Names lists the methods' names.
func Names() []string {
	var out []string
	for _, i := range All() {
		out = append(out, i.Name)
	}
	return out
}

// RecipeOf returns the constants of a method; those of SimCLR for an unknown one.
func RecipeOf(name string) Recipe {
	all := All()
	for _, i := range all {
		if i.Name == name {
			return i.Recipe
		}
	}
	return all[0].Recipe
}

// New builds a method by name.
func New(name string, c Config) (Method, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	var names []string
	for _, e := range registry() {
		if e.Name == name {
			return e.build(c), nil
		}
		names = append(names, e.Name)
	}
	return nil, suggest.Unknown("method", name, names)
}
