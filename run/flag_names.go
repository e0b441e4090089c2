package main

import (
	"io"
	"maps"
	"path"
	"reflect"
	"sync"

	"github.com/spf13/pflag"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/embedding"
	"github.com/icl-msr/icl-msr/internal/experiment"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/printable"
	"github.com/icl-msr/icl-msr/train"
)

// flagged returns err with the flags of the settings that it names.
func flagged(err error) error {
	if err == nil {
		return nil
	}
	names := flagNames()
	return field.Named(err, func(key string) string { return names[key] })
}

// messageOf returns the message of flagged(err).
func messageOf(err error) string { return flagged(err).Error() }

// namesFlags makes a writer a field.Namer: its readers know a setting by its flag.
type namesFlags struct{ names func() map[string]string }

func newNamesFlags() namesFlags { return namesFlags{sync.OnceValue(flagNames)} }

// NameOf implements field.Namer.
func (s namesFlags) NameOf(key string) string { return s.names()[key] }

// speaker is the writer for the command's standard output or standard error.
type speaker struct {
	*printable.Writer
	namesFlags
}

func newSpeaker(w io.Writer) speaker { return speaker{printable.New(w), newNamesFlags()} }

// flagNames maps package.Field and package.Type.Field of each setting to its flag. The flags of evaluators, training
// runs, studies and embed are read from what they are bound to.
func flagNames() map[string]string {
	names := map[string]string{}
	for _, e := range eval.Evaluators() {
		nameBound(e, func(f *pflag.FlagSet) { e.Bind(f) }, names)
	}
	var c train.Config
	nameBound(&c, func(f *pflag.FlagSet) { bindConfig(f, &c) }, names)
	nameStudies(names)
	var o embedding.Options
	nameBound(&o, func(f *pflag.FlagSet) { bindEmbedding(f, &o) }, names)
	maps.Copy(names, otherFlagNames())
	return names
}

// nameStudies adds the settings of studies.
func nameStudies(names map[string]string) {
	var k experiment.Comparison
	nameBound(&k, func(f *pflag.FlagSet) { bindComparison(f, &k) }, names)
	var s experiment.Sweep
	nameBound(&s, func(f *pflag.FlagSet) { bindSweep(f, &s) }, names)
	var p experiment.Panels
	nameBound(&p, func(f *pflag.FlagSet) { bindPanels(f, &p) }, names)
	var t experiment.Toy
	nameBound(&t, func(f *pflag.FlagSet) { bindToy(f, &t) }, names)
	var b experiment.Background
	nameBound(&b, func(f *pflag.FlagSet) { bindBackground(f, &b) }, names)
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

// otherFlagNames maps the other settings to their flags.
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
		"nets.Width":         "--width", // of a backbone; f_msr has nets.MSRConfig.Width

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

// address returns the address of a flag's value. A list's pflag type holds a pointer to it.
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
