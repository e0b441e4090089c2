package methods

import (
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
)

// Base is what most methods share: two strong views, a projector on the backbone, the configuration's temperature and
// momentum. A method embeds it, and adds its loss and what else differs.
type Base struct {
	Config Config // with every option of the method
	name   string
}

// NewBase returns what a method of that name embeds. The method has the shared options (of the projector, view_norm)
// and those given here. Options that are not in c.Options have their defaults.
func NewBase(name string, c Config, options ...Option) (Base, error) {
	return Info{Name: name, Options: options}.base(c)
}

// base checks a configuration and fills in the method's options.
func (i Info) base(c Config) (Base, error) {
	if err := c.Validate(); err != nil {
		return Base{}, err
	}
	if err := c.checkProjector(); err != nil {
		return Base{}, err
	}
	var err error
	c.Options, err = i.options(c.Options)
	return Base{c, i.Name}, err
}

// Name implements model.Method.
func (b Base) Name() string { return b.name }

// Views implements model.Method: two strong views.
func (b Base) Views() []model.View { return []model.View{model.Strong, model.Strong} }

// Temperature implements model.Method.
func (b Base) Temperature() float64 { return b.Config.Temperature }

// Momentum implements model.Method.
func (b Base) Momentum(_ float64) float64 { return b.Config.Momentum }

// Networks implements model.Method: the backbone and a projector.
func (b Base) Networks(backbone nets.Encoder) (model.Networks, error) {
	return model.Networks{ViewNorm: b.ViewNorm(), Online: b.Online(backbone)}, nil
}

// Option is a constant of the method, by name.
func (b Base) Option(name string) float64 { return b.Config.Options[name] }

// Count is an option that is a whole number.
func (b Base) Count(name string) int { return int(b.Config.Options[name]) }

// ViewNorm is the option view_norm.
func (b Base) ViewNorm() model.ViewNorm { return model.ViewNorm(b.Count("view_norm")) }

// Online are the backbone, the projector and more parts, for model.Networks.
func (b Base) Online(backbone nets.Encoder, more ...model.Part) []model.Part {
	return append([]model.Part{
		{Name: model.BackbonePart, Net: backbone},
		{Name: model.ProjectorPart, Net: b.Projector(backbone.Dim())},
	}, more...)
}

// Projector is the projection head on dim features: Config.Projector's, or a nets.NewHead as the options have it.
func (b Base) Projector(dim int64) nets.Encoder {
	if b.Config.Projector != nil {
		return b.Config.Projector(dim)
	}
	return nets.NewHead(dim, nets.HeadConfig{
		Hidden:      b.Config.Hidden,
		Out:         b.Config.Dim,
		Layers:      b.Count("head_layers"),
		WithoutNorm: b.Option("head_norm") == 0,
		Biases:      nets.Biases(b.Count("head_bias")),
		Last:        nets.LastNorm(b.Count("head_last")),
	})
}

// PredictorPart is the name of a predictor among the parts.
const PredictorPart = "predictor"

// Predictor is a predictor on the embeddings, as the options of PredictorOptions have it.
func (b Base) Predictor() model.Part {
	hidden := orElse(b.Option("predictor_hidden"), float64(b.Config.Hidden))
	return model.Part{Name: PredictorPart, Net: nets.NewHead(b.Config.Dim, nets.HeadConfig{
		Hidden: int64(hidden),
		Out:    b.Config.Dim,
		Layers: 2,
		Biases: nets.Biases(b.Count("predictor_bias")),
	})}
}

// Steady are the parts whose learning rate no schedule changes, by the option predictor_steady.
func (b Base) Steady() []string {
	if b.Option("predictor_steady") == 1 {
		return []string{PredictorPart}
	}
	return nil
}

// TargetMomentum is tau of the target's moving average at a progress. It starts at Config.Momentum, or at initial if
// that is 0, and stays or goes to 1 by a cosine, as the option ema says.
func (b Base) TargetMomentum(initial, progress float64) float64 {
	tau := orElse(b.Config.Momentum, initial)
	if b.Option("ema") == 1 {
		return nets.EMATau(tau, progress)
	}
	return tau
}

// orElse is x, or otherwise if x is zero.
func orElse[T int64 | float64](x, otherwise T) T {
	if x == 0 {
		return otherwise
	}
	return x
}
