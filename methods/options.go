package methods

import (
	"maps"
	"math"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
)

// Option is a constant of a method's own, with its paper's value.
type Option struct {
	Name    string
	Default float64
	About   string
}

// viewOption is an option of every method with more than one view.
func viewOption() Option {
	return Option{"view_norm", float64(model.Joint),
		"batch norms take the views: 0 together, 1 one by one in the backbone, 2 one by one, " +
			"3 together, in the heads those of other sizes, too"}
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

// PredictorOptions are options of methods with a predictor (Base.Predictor, Base.Steady).
func PredictorOptions() []Option {
	return []Option{
		{"predictor_hidden", 0, "width of the predictor's hidden layer; 0: as --hidden"},
		{"predictor_bias", float64(nets.EveryBias),
			"in the predictor: 0 all layers, 1 all but the last, 2 none, 3 the last alone"},
		{"predictor_steady", 0, "1: the predictor's rate is --lr throughout, without schedule and warm-up"},
	}
}

// EMAOption is an option of methods with a target network (Base.TargetMomentum).
func EMAOption(cosine float64) Option {
	return Option{"ema", cosine,
		"tau of the target's moving average: 0 constant, 1 from --momentum-target to 1 by a cosine"}
}

// targetOption is an option of methods that may have a target network.
func targetOption() Option {
	return Option{"target", 0, "1: compare with a target network, as BYOL does"}
}

// directionsOption is an option of MoCo.
func directionsOption() Option {
	return Option{"directions", 2,
		"2: both views are queries in turn; 1: the first is the query, the second the key"}
}

// largest are the largest values of options that are whole numbers.
func largest() map[string]float64 {
	return map[string]float64{
		"view_norm":        float64(model.JointHeads),
		"head_layers":      16,
		"head_norm":        1,
		"head_bias":        float64(nets.LastBias),
		"head_last":        float64(nets.NonAffine),
		"predictor_hidden": math.MaxInt32,
		"predictor_bias":   float64(nets.LastBias),
		"predictor_steady": 1,
		"directions":       2,
		"ema":              1,
		"target":           1,
	}
}

// former are former names of methods' options.
func former(method string) map[string]string {
	return map[string]map[string]string{
		"pcl":        {"warm": "warmup", "turns": "iterations"},
		"directpred": {"memory": "rho", "boost": "eps"},
		"cpc":        {"ahead": "offset"},
	}[method]
}

// Renamed returns the name that an option of a method has now, if it is given by a former name.
func Renamed(method, option string) (name string, ok bool) {
	name, ok = former(method)[option]
	return name, ok
}

// Shared are the options that the method has in common with others.
func (i Info) Shared() (out []Option) {
	if !i.OwnHead {
		out = headOptions()
	}
	if !i.OneView {
		out = append(out, viewOption())
	}
	return out
}

// options returns all of the method's options: those given, and the defaults of the others.
func (i Info) options(given map[string]float64) (map[string]float64, error) {
	all, names := map[string]float64{}, []string{}
	for _, o := range append(i.Shared(), i.Options...) {
		all[o.Name] = o.Default
		names = append(names, o.Name)
	}
	given, err := i.current(given)
	if err != nil {
		return nil, err
	}
	for name, v := range given {
		if _, ok := all[name]; !ok {
			return nil, suggest.Unknown("option of "+i.Name, name, names)
		}
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return nil, field.Errorf("{methods.Options} %s=%g of %s: want a finite number, 0 or more", name, v, i.Name)
		}
		if err := checkWhole(name, v); err != nil {
			return nil, err
		}
	}
	maps.Copy(all, given)
	return all, nil
}

// current are options by the names that they have now.
func (i Info) current(given map[string]float64) (map[string]float64, error) {
	out := maps.Clone(given)
	for old, name := range former(i.Name) {
		v, ok := given[old]
		if !ok {
			continue
		}
		if _, both := given[name]; both {
			return nil, field.Errorf("{methods.Options} %s of %s is the former name of %s: leave one out", old, i.Name, name)
		}
		delete(out, old)
		out[name] = v
	}
	return out, nil
}

// checkWhole reports an option that must be a whole number in a range, and is not.
func checkWhole(name string, v float64) error {
	most, ok := largest()[name]
	least := 0.0
	if name == "head_layers" || name == "directions" {
		least = 1
	}
	if ok && (v < least || v > most || v != math.Trunc(v)) {
		return field.Errorf("{methods.Options} %s=%g: want a whole number from %g to %g", name, v, least, most)
	}
	return nil
}
