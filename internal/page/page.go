package page

import (
	"bytes"
	_ "embed" // for the page's template
	"encoding/base64"
	"html/template"
	"image"
	"image/png"
	"io"
	"strconv"
	"strings"
)

// Page is one self-contained HTML page.
type Page struct {
	Title    string
	Lead     []string // paragraphs
	Settings [][2]string
	Sections []Section
}

// Section is a part of a page; any field may be empty.
type Section struct {
	Title, Text string
	Tables      []Table
	Charts      []template.HTML
	Pictures    []Picture
}

// Table has a caption, a head and rows. The first column names the row.
type Table struct {
	Caption string
	Head    []string
	Rows    [][]string
}

// Picture is a picture that the page enlarges by whole pixels. Its caption is also its alternative text.
type Picture struct {
	Caption string
	Image   image.Image
}

// URI returns the picture as a data URI.
func (p Picture) URI() (template.URL, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, p.Image); err != nil {
		return "", err
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), nil
}

//go:embed page.html
var pageTemplate string

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{"interval": interval}).Parse(pageTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

// withInterval formats a cell in two lines: the figure, and its interval with the text after it.
type withInterval struct{ Mean, Interval string }

// interval splits a cell into a figure and its interval; nil if the cell has none.
func interval(cell string) *withInterval {
	mean, rest, ok := strings.Cut(cell, " [")
	number, _, _ := strings.Cut(mean, " ± ")
	if _, err := strconv.ParseFloat(number, 64); !ok || err != nil {
		return nil
	}
	return &withInterval{mean, "[" + rest}
}
