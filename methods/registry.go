package methods

import (
	"fmt"
	"maps"
	"math"

	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/model"
)

// Info describes a method in lists.
type Info struct {
	Name, Paper string
	Recipe      Recipe
	Options     []Option
}

// Recipe are a method's constants: what its name sets unless they are given.
type Recipe struct {
	Lambda, Gamma float64 // of MSR on it: the paper's, section 6.3, where its tables have the method
	Temperature   float64 // tau, of the method and of the do-loss on it
}

// Option is a constant of a method's own, with its paper's value.
type Option struct {
	Name    string
	Default float64
	About   string
}

// Shared are the options that the method has in common with others.
func (i Info) Shared() []Option {
	switch i.Name {
	case "cpc": // a head of its own, and one view
		return nil
	case "cmc": // one view
		return headOptions()
	}
	return append(headOptions(), viewOption())
}

type entry struct {
	Info
	build func(Config) model.Method
}

// registry is the table of methods: a new one is a file, and a row here.
func registry() []entry {
	return []entry{
		{Info{"simclr", "Chen et al. 2020, SimCLR", Recipe{1, 1, 0.5}, nil}, newSimCLR},
		{Info{"byol", "Grill et al. 2020, BYOL", Recipe{0.1, 1, 0.5}, append(predictorOptions(), ema(1))}, newBYOL},
		{Info{"simsiam", "Chen and He 2021, SimSiam", Recipe{0.1, 1, 0.5}, predictorOptions()}, newSimSiam},
		{Info{"directpred", "Tian et al. 2021, DirectPred", Recipe{0.1, 1, 0.5}, []Option{
			{"memory", 0.5, "of the correlation's moving average (rho)"}, {"boost", 0.1, "of small eigenvalues, as a share of the largest"}, ema(1)}}, newDirectPred},
		{Info{"moco", "He et al. 2020, Chen et al. 2020, MoCo v2", Recipe{1, 1, 0.2}, []Option{directions(), ema(0)}}, newMoCo},
		{Info{"infomin", "Tian et al. 2020, InfoMin", Recipe{1, 1, 0.2}, []Option{directions(), ema(0)}}, newInfoMin},
		{Info{"pcl", "Li et al. 2021, PCL", Recipe{1, 1, 0.2}, []Option{
			{"warm", 0.1, "share of the epochs without clusters"}, {"turns", 20, "of k-means"}, ema(0)}}, newPCL},
		{Info{"cmc", "Tian et al. 2020, CMC", Recipe{0.1, 0.1, 0.1}, nil}, newCMC},
		{Info{"cpc", "Hénaff et al. 2020, CPC v2", Recipe{1, 1, 0.1}, []Option{
			{"ahead", 3, "rows between the context and what it predicts"}, {"scale", 0.1, "of predictions"}, {"blocks", 5, "of the context network"}}}, newCPC},
		{Info{"ressl", "Zheng et al. 2021, ReSSL", Recipe{0.01, 1, 0.1}, []Option{{"tau_teacher", 0.04, "the teacher's temperature"}, ema(0)}}, newReSSL},
		{Info{"swav", "Caron et al. 2020, SwAV", Recipe{0.1, 1, 0.1}, []Option{
			{"small_views", 4, "of multi-crop"}, {"epsilon", 0.05, "of Sinkhorn"}, {"iterations", 3, "of Sinkhorn"},
			{"frozen", 313, "steps at the start without prototypes' gradients, at most a twentieth of the run"}, {"queue_from", 0.075, "share of the run after which --queue is used"}}}, newSwAV},
		{Info{"dcl", "Chuang et al. 2020, debiased contrastive learning", Recipe{1, 1, 0.5}, []Option{{"tau_plus", 0.1, "share of negatives of the anchor's class"}}}, newDCL},
		{Info{"dclw", "Yeh et al. 2022, decoupled contrastive learning", Recipe{1, 1, 0.1}, []Option{{"sigma", 0.5, "of the positives' weights; 0: none"}}}, newDCLW},
		{Info{"lmcl", "Chen et al. 2021, large-margin contrastive learning", Recipe{0.1, 1, 0.5}, []Option{
			{"weight", 1, "of the regularizer"}, {"delta_plus", 0.1, "the margin's near end"}, {"delta_minus", 0.9, "the margin's far end"}}}, newLMCL},
		{Info{"relic", "Mitrovic et al. 2021, RELIC", Recipe{1, 1, 0.5}, []Option{{"alpha", 1, "weight of the divergence"}}}, newRELIC},
		{Info{"align_uniform", "Wang and Isola 2020, alignment and uniformity", Recipe{1, 1, 0.5}, []Option{
			{"align", 1, "weight of the alignment"}, {"uniform", 1, "weight of the uniformity, a mean of both views"}, {"alpha", 2, "power of the alignment"}, {"t", 2, "of the uniformity"}}}, newAlignUniform},
		{Info{"barlow_twins", "Zbontar et al. 2021, Barlow Twins", Recipe{1, 1, 0.5}, []Option{{"off_diagonal", 0.0051, "weight of the redundancy term"}}}, newBarlowTwins},
		{Info{"vicreg", "Bardes et al. 2022, VICReg", Recipe{1, 1, 0.5}, []Option{
			{"invariance", 25, "weight"}, {"variance", 25, "weight"}, {"covariance", 1, "weight"}}}, newVICReg},
		{Info{"w_mse", "Ermolov et al. 2021, W-MSE", Recipe{1, 1, 0.5}, []Option{
			{"views", 2, "2 or 4"}, {"iterations", 1, "rounds of sub-batches (w_iter)"}, {"sub_batch", 128, "pictures whitened together, at least twice --dim"}, {"epsilon", 0, "share of the identity in the covariance"}}}, newWMSE},
		{Info{"ssl_hsic", "Li et al. 2021, SSL-HSIC", Recipe{1, 1, 0.5}, []Option{{"gamma", 3, "weight of HSIC(Z, Z)"}, {"width", 1, "of the kernel"}}}, newSSLHSIC},
	}
}

// All lists the methods that New knows.
func All() []Info {
	var out []Info
	for _, e := range registry() {
		out = append(out, e.Info)
	}
	return out
}

// Names lists the names that New knows.
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

// New builds a method by name. A method of one's own needs none of this: any
// Method goes into model.New.
func New(name string, c Config) (model.Method, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	for _, e := range registry() {
		if e.Name == name {
			var err error
			if err := c.ownHead(); err != nil {
				return nil, err
			}
			if c.Options, err = e.options(c.Options); err != nil {
				return nil, err
			}
			return e.build(c), nil
		}
	}
	return nil, suggest.Unknown("method", name, Names())
}

// options returns all of the method's options, those given over its own.
func (i Info) options(given map[string]float64) (map[string]float64, error) {
	all, names := map[string]float64{}, []string{}
	for _, o := range append(i.Shared(), i.Options...) {
		all[o.Name] = o.Default
		names = append(names, o.Name)
	}
	for name, v := range given {
		if _, ok := all[name]; !ok {
			return nil, suggest.Unknown("option of "+i.Name, name, names)
		}
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return nil, fmt.Errorf("option %s=%g of %s; want a finite number, 0 or more", name, v, i.Name)
		}
		if err := checkChoice(name, v); err != nil {
			return nil, err
		}
	}
	maps.Copy(all, given)
	return all, nil
}

// option is a constant of the method's own.
func (c Config) option(name string) float64 { return c.Options[name] }

// count is an option that is a whole number.
func (c Config) count(name string) int { return int(c.Options[name]) }
