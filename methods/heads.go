package methods

import (
	"fmt"
	"math"

	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
)

// predictorPart is the name of the predictor's part.
const predictorPart = "predictor"

// viewOption is an option of every method.
func viewOption() Option {
	return Option{"view_norm", float64(model.Joint),
		"batch norms take the views: 0 together, 1 one by one in the backbone, 2 one by one"}
}

// headOptions are options of every method with the common projector.
func headOptions() []Option {
	return []Option{
		{"head_layers", 2, "of the projector"},
		{"head_norm", 1, "batch norms in the projector: 1 after hidden layers, 0 none"},
		{"head_bias", float64(nets.EveryBias),
			"in the projector: 0 all layers, 1 all but the last, 2 none, 3 the last alone"},
		{"head_last", float64(nets.NoNorm),
			"at the projector's end: 0 nothing, 1 a batch norm, 2 one without parameters"},
	}
}

// predictorOptions are options of methods that train a predictor.
func predictorOptions() []Option {
	return []Option{
		{"predictor_hidden", 0, "width of the predictor's hidden layer; 0: as --hidden"},
		{"predictor_bias", float64(nets.EveryBias),
			"in the predictor: 0 all layers, 1 all but the last, 2 none, 3 the last alone"},
		{"predictor_steady", 0, "1: the predictor's rate is --lr throughout, without schedule and warm-up"},
	}
}

// ema is an option of methods with a target network.
func ema(cosine float64) Option {
	return Option{"ema", cosine, "tau of the target's moving average: 0 constant, 1 from --momentum-target to 1 by a cosine"}
}

// tau is that of the target's moving average, from the configuration's or else
// the method's own.
func (c Config) tau(own, progress float64) float64 {
	base := or(c.Momentum, own)
	if c.option("ema") == 1 {
		return nets.EMATau(base, progress)
	}
	return base
}

// directions is an option of MoCo.
func directions() Option {
	return Option{"directions", 2, "2: both views are queries in turn; 1: the first is the query, the second the key"}
}

// choices are the largest values of options that are whole numbers.
func choices() map[string]float64 {
	return map[string]float64{"view_norm": float64(model.Apart),
		"head_layers": 16, "head_norm": 1, "head_bias": float64(nets.LastBias),
		"head_last":        float64(nets.NonAffine),
		"predictor_hidden": math.MaxInt32, "predictor_bias": float64(nets.LastBias), "predictor_steady": 1,
		"directions": 2, "ema": 1}
}

// checkChoice reports a value of a choice that is none.
func checkChoice(name string, v float64) error {
	most, ok := choices()[name]
	least := 0.0
	if name == "head_layers" || name == "directions" {
		least = 1
	}
	if ok && (v < least || v > most || v != math.Trunc(v)) {
		return fmt.Errorf("option %s=%g; want a whole number from %g to %g", name, v, least, most)
	}
	return nil
}

// ownHead reports options that a projector of the caller's own would leave out.
func (c Config) ownHead() error {
	for _, o := range headOptions() {
		if _, given := c.Options[o.Name]; given && c.Projector != nil {
			return fmt.Errorf("option %s is of the common projector, and Config.Projector brings another; leave one out",
				o.Name)
		}
	}
	return nil
}

func (c Config) viewNorm() model.ViewNorm { return model.ViewNorm(c.count("view_norm")) }

// head is the common projector as the options have it.
func (c Config) head() nets.HeadConfig {
	return nets.HeadConfig{Hidden: c.Hidden, Out: c.Dim, Layers: c.count("head_layers"),
		WithoutNorm: c.option("head_norm") == 0,
		Biases:      nets.Biases(c.count("head_bias")), Last: nets.LastNorm(c.count("head_last"))}
}

// predictor is the part of that name.
func (c Config) predictor() model.Part {
	hidden := or(c.option("predictor_hidden"), float64(c.Hidden))
	return model.Part{Name: predictorPart, Net: nets.NewHead(c.Dim, nets.HeadConfig{Hidden: int64(hidden), Out: c.Dim, Layers: 2,
		Biases: nets.Biases(c.count("predictor_bias"))})}
}

// steady are the parts whose rate stays.
func (c Config) steady() []string {
	if c.option("predictor_steady") == 1 {
		return []string{predictorPart}
	}
	return nil
}
