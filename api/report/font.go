package report

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

//go:embed assets
var assets embed.FS

// ErrNoFont says that the font of printed papers was not fetched.
var ErrNoFont = errors.New("the font for printed papers was not built in: \"make build\" fetches it; pages, CSV and XLSX need none")

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

func (d *paper) line(size float64, text string) {
	d.SetFont("cjk", "", size)
	d.MultiCell(0, size*0.55, text, "", "L", false)
}

// centred writes a line in the middle.
func (d *paper) centred(size, height float64, text string) {
	d.SetFont("cjk", "", size)
	d.CellFormat(0, height, text, "", 1, "C", false, 0, "")
}
