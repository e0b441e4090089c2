// Package report writes what an experiment found as one self-contained page
// (HTML with inline SVG and pictures, no network, no scripts), and its accuracy
// table as Markdown and CSV. It holds no learning code: the caller fills a Page
// with plain numbers and pictures.
//
// The charts are drawn here and not by gonum/plot because they take their
// colours from the page's style sheet, which is what makes one file readable on
// light and dark screens and on paper.
package report

import (
	"image"
	"time"
)

// Page is everything a report shows. Empty parts are left out.
type Page struct {
	Title string
	Lead  string // a sentence or two under the title

	Settings []Setting // what was run
	Machine  string    // processor, cores, memory, device
	Started  time.Time
	Took     time.Duration

	Accuracy Accuracy
	Charts   []Chart // losses, gradient norms, ...
	Stages   []Stage
	Samples  []Sample
	Weights  []WeightMap
	Queries  []Query
	Texts    []Text // what the methods are and what to keep in mind
}

// Setting is a row of the table of settings.
type Setting struct{ Name, Value, Note string }

// Text is a titled text; empty lines part its paragraphs.
type Text struct{ Title, Body string }

// Chart is a line chart.
type Chart struct {
	Title  string
	XLabel string
	YLabel string
	Log    bool // logarithmic vertical axis; values that are not positive are left out
	Note   string
	Series []Series
}

// Series is one line: a method's with one seed. X and Y are equally long;
// values that are not finite break the line.
type Series struct {
	Method string
	Seed   uint64
	X, Y   []float64
}

// Stage is the time that a part of a method's run took, as a mean over the seeds.
type Stage struct {
	Method, Name string
	Seconds      float64
}

// Sample is a picture with two augmented views.
type Sample struct {
	Label                 string
	Picture, View1, View2 image.Image
}

// WeightMap is a picture and the weights A that f_msr gives it: n rows a_t of c
// entries.
type WeightMap struct {
	Label   string
	Picture image.Image
	A       [][]float64
}

// Query is a picture and its nearest neighbours, the nearest first.
type Query struct {
	Method     string // whose embedding; may be empty
	Label      string
	Picture    image.Image
	Neighbours []Neighbour
}

// Neighbour is Right when its class is the query's.
type Neighbour struct {
	Label   string
	Picture image.Image
	Right   bool
}
