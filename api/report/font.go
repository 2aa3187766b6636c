package report

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

//go:embed assets
var assets embed.FS

// ErrNoFont says that the font of printed papers was not fetched.
var ErrNoFont = errors.New("the font for printed papers was not built in: \"make build\" fetches it; " +
	"pages, CSV and XLSX need none")

// fontFile is what make build puts there.
const fontFile = "assets/NotoSansSC-Regular.ttf"

// Font is the size of the font in bytes; 0 when it was not built in.
func Font() int {
	b, err := assets.ReadFile(fontFile)
	if err != nil {
		return 0
	}
	return len(b)
}

// paper is a PDF as it is drawn, in one language.
type paper struct {
	*fpdf.Fpdf
	lang string
}

// Margins of a page, in millimetres.
const (
	side   = 15.0
	bottom = 18.0
)

// newPaper begins a PDF of A4 pages: upright ("P") or across ("L"). The time in
// it is the document's, so that the same document makes the same file.
func newPaper(orientation, lang, title, author string, at time.Time) (*paper, error) {
	font, err := assets.ReadFile(fontFile)
	if err != nil {
		return nil, ErrNoFont
	}
	p := fpdf.New(orientation, "mm", "A4", "")
	p.AddUTF8FontFromBytes("cjk", "", font)
	p.SetTitle(title, true)
	p.SetAuthor(author, true)
	p.SetCreationDate(at)
	p.SetModificationDate(at)
	p.SetMargins(side, side, side)
	p.SetAutoPageBreak(true, bottom)
	p.AliasNbPages("{nb}")
	return &paper{p, lang}, nil
}

// foot puts a line at the bottom of each page.
func (d *paper) foot(line func(page int) string) {
	d.SetFooterFunc(func() {
		d.SetY(-12)
		d.SetFont("cjk", "", 8)
		d.CellFormat(0, 5, line(d.PageNo()), "", 0, "C", false, 0, "")
	})
}

// write ends the PDF.
func (d *paper) write(w io.Writer) error {
	var b bytes.Buffer
	if err := d.Output(&b); err != nil {
		return fmt.Errorf("the PDF: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// room says whether so many millimetres are left on the page.
func (d *paper) room(height float64) bool {
	_, page := d.GetPageSize()
	return d.GetY()+height <= page-bottom
}

// keep begins a page where so many millimetres are not left on this one: what
// belongs together stays together.
func (d *paper) keep(height float64) {
	if !d.room(height) {
		d.AddPage()
	}
}

// width is what lies between the margins.
func (d *paper) width() float64 {
	w, _ := d.GetPageSize()
	return w - 2*side
}

// line writes a text over as many lines as it needs.
func (d *paper) line(size float64, text string) {
	d.SetFont("cjk", "", size)
	for _, l := range d.split(text, d.width()-2*d.GetCellMargin()) {
		d.CellFormat(0, size*0.55, l, "", 1, "L", false, 0, "")
	}
}

// notFirst may not begin a line of Chinese.
const notFirst = "，。、；：？！）》〕”’·"

// split breaks a text into lines of the font in use, each as wide as it may be.
// The library's own way loses the Chinese character that a line ends at.
func (d *paper) split(text string, width float64) (lines []string) {
	for _, paragraph := range strings.Split(text, "\n") {
		rest := []rune(paragraph)
		for len(rest) > 0 {
			n := d.breakAt(rest, width)
			lines = append(lines, strings.TrimRight(string(rest[:n]), " "))
			for rest = rest[n:]; len(rest) > 0 && rest[0] == ' '; {
				rest = rest[1:]
			}
		}
		if paragraph == "" {
			lines = append(lines, "")
		}
	}
	return lines
}

// breakAt is how many characters go onto a line: one at least, no part of a word
// or number that fits by itself, and none before what may not begin the next.
func (d *paper) breakAt(text []rune, width float64) int {
	fits := 0
	for w := 0.0; fits < len(text); fits++ {
		if w += d.GetStringWidth(string(text[fits])); w > width {
			break
		}
	}
	if fits == len(text) {
		return fits
	}
	at := max(1, fits)
	for at > 1 && (strings.ContainsRune(notFirst, text[at]) || narrow(text[at-1]) && narrow(text[at])) {
		at--
	}
	if at == 1 { // one word, wider than the line
		return max(1, fits)
	}
	return at
}

// narrow says whether a character is of a word that stays together.
func narrow(r rune) bool { return r > ' ' && r < 0x2000 }

// centred writes a line in the middle.
func (d *paper) centred(size, height float64, text string) {
	d.SetFont("cjk", "", size)
	d.CellFormat(0, height, text, "", 1, "C", false, 0, "")
}
