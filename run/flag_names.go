package main

import (
	"maps"
	"path"
	"reflect"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/train"
)

// flagged is err with the flags of the settings that it names.
func flagged(err error) error {
	if err == nil {
		return nil
	}
	names := flagNames()
	return field.Named(err, func(key string) string { return names[key] })
}

// messageOf is the message of flagged.
func messageOf(err error) string { return flagged(err).Error() }

// flagNames are the flags of settings, by package.Field and package.Type.Field. Those of a training run follow from
// what their flags are bound to.
func flagNames() map[string]string {
	var c train.Config
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	bindConfig(f, &c)
	bound := map[uintptr]string{}
	f.VisitAll(func(g *pflag.Flag) { bound[address(g.Value)] = "--" + g.Name })
	names := map[string]string{}
	nameFields(reflect.ValueOf(&c).Elem(), bound, names)
	maps.Copy(names, otherFlagNames())
	return names
}

// otherFlagNames are the flags of settings that are no fields of train.Config.
func otherFlagNames() map[string]string {
	return map[string]string{
		"datasets.BatchSize": "--batch-size",
		"datasets.Classes":   "--classes",
		"datasets.Size":      "--size",
		"dist.Backend":       "--backend",
		"dist.Device":        "--device",
		"dist.Timeout":       "--dist-timeout",
		"nets.Arch":          "--arch",
		"nets.Stem":          "--stem",
		"nets.Width":         "--width", // a backbone's; f_msr's is nets.MSRConfig.Width

		"eval.BatchSize":   "--probe-batch-size",
		"eval.Epochs":      "--epochs",
		"eval.FinalLR":     "--final-lr",
		"eval.HeadLR":      "--head-lr",
		"eval.K":           "--neighbours",
		"eval.LR":          "--lr",
		"eval.Metric":      "--metric",
		"eval.Momentum":    "--momentum",
		"eval.Optimizer":   "--optimizer",
		"eval.Schedule":    "--schedule",
		"eval.Temperature": "--knn-temperature",
		"eval.WeightDecay": "--weight-decay",

		"interventions.Bandwidth": "--intervene-option bandwidth",
		"interventions.K":         "--intervene-option k",
		"interventions.P":         "--intervene-option p",
		"interventions.Within":    "--intervene-option within",

		"torch.Deterministic": "--deterministic",
		"torch.Device":        "--device",

		"train.FC":                  "--fc",
		"train.FeatureFiles.Dir":    "--save-features",
		"train.FeatureFiles.Format": "--features-format",
		"train.Format":              "--format",
		"train.Lists":               "--label-list",
		"train.Out":                 "--out",
		"train.Preprocess":          "--preprocess",
		"train.Scratch":             "--from-scratch",
		"train.Shares":              "--labels",
		"train.What":                "--what",
	}
}

// address is where a flag's value lies. Of a list, pflag's own type has a pointer to it.
func address(v pflag.Value) uintptr {
	p := reflect.ValueOf(v)
	if list := p.Elem(); list.Kind() == reflect.Struct {
		return list.FieldByName("value").Pointer()
	}
	return p.Pointer()
}

// nameFields adds the fields of a struct that have flags.
func nameFields(v reflect.Value, bound map[uintptr]string, names map[string]string) {
	t := v.Type()
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.Struct {
			nameFields(v.Field(i), bound, names)
			continue
		}
		flag, ok := bound[v.Field(i).Addr().Pointer()]
		if !ok {
			continue
		}
		pkg, name := path.Base(t.PkgPath()), t.Field(i).Name
		names[pkg+"."+name], names[pkg+"."+t.Name()+"."+name] = flag, flag
	}
}
