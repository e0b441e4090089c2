package main

import (
	"io"
	"maps"
	"path"
	"reflect"
	"sync"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/printable"
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

// namesFlags makes a field.Namer of a writer whose readers know flags.
type namesFlags struct{ names func() map[string]string }

func newNamesFlags() namesFlags { return namesFlags{sync.OnceValue(flagNames)} }

// NameOf implements field.Namer.
func (s namesFlags) NameOf(key string) string { return s.names()[key] }

// speaker is a writer of the command.
type speaker struct {
	*printable.Writer
	namesFlags
}

func newSpeaker(w io.Writer) speaker { return speaker{printable.New(w), newNamesFlags()} }

// flagNames are the flags of settings, by package.Field and package.Type.Field. Those of evaluators and of a training
// run follow from what their flags are bound to.
func flagNames() map[string]string {
	names := map[string]string{}
	for _, e := range eval.Evaluators() {
		nameBound(e, func(f *pflag.FlagSet) { e.Bind(f) }, names)
	}
	var c train.Config
	nameBound(&c, func(f *pflag.FlagSet) { bindConfig(f, &c) }, names)
	maps.Copy(names, otherFlagNames())
	return names
}

// nameBound adds the fields of the struct at settings that bind gives flags.
func nameBound(settings any, bind func(f *pflag.FlagSet), names map[string]string) {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	bind(f)
	bound := map[uintptr]string{}
	f.VisitAll(func(g *pflag.Flag) { bound[address(g.Value)] = "--" + g.Name })
	if v := reflect.ValueOf(settings).Elem(); v.Kind() == reflect.Struct {
		nameFields(v, bound, names)
	}
}

// otherFlagNames are the flags of other settings.
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

		"eval.HeadLR": "--head-lr", // of fine-tuning

		"interventions.Bandwidth": "--intervene-option bandwidth",
		"interventions.K":         "--intervene-option k",
		"interventions.P":         "--intervene-option p",
		"interventions.Within":    "--intervene-option within",

		"outfile.Force": "--force",

		"runfolder.Dir":    "--out",
		"runfolder.Resume": "--resume",

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
