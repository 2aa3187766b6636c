package iso20022

import (
	"fmt"
	"strings"
)

// maxWrapping is how many elements may stand around a header and its document:
// BizMsgEnvlp and Hdr are two, a DataPDU with its Body as well.
const maxWrapping = 3

// parts looks for the header and the document in whatever stands around them:
// rails have envelopes of their own.
func parts(n *node, depth int) (headers, documents []*node) {
	switch {
	case n.name == "AppHdr":
		return []*node{n}, nil
	case n.name == "Document":
		return nil, []*node{n}
	case depth == maxWrapping:
		return nil, nil
	}
	for _, c := range n.children {
		h, d := parts(c, depth+1)
		headers, documents = append(headers, h...), append(documents, d...)
	}
	return headers, documents
}

// validate checks a message against its definition, and the header where it
// comes in an envelope. It returns the definition's name and the document.
func validate(doc []byte) (string, *node, error) {
	root, err := read(doc)
	if err != nil {
		return "", nil, err
	}
	headers, documents := parts(root, 0)
	if len(documents) != 1 {
		return "", nil, fmt.Errorf("/%s holds %d elements Document, and must hold one: "+
			"send the Document alone, or beside its AppHdr in one envelope", root.name, len(documents))
	}
	document := documents[0]
	name := strings.TrimPrefix(document.space, spacePrefix)
	def := definitions[document.space]
	if def == nil || def.name != "Document" {
		return "", nil, fmt.Errorf("is of the namespace %q; known are camt.056.001.08, camt.029.001.09 and pacs.004.001.09",
			document.space)
	}
	if root != document {
		if err := checkHeader(headers, name); err != nil {
			return "", nil, err
		}
	}
	return name, document, def.check(document, "/Document")
}

// checkHeader checks the business application header of an envelope, whose
// document is of the named definition.
func checkHeader(headers []*node, name string) error {
	if len(headers) != 1 {
		return fmt.Errorf("/AppHdr is there %d times, and must be once in an envelope", len(headers))
	}
	h := headers[0]
	def := definitions[h.space]
	if def == nil || def.name != "AppHdr" {
		return fmt.Errorf("/AppHdr is of the namespace %q; known are head.001.001.01, .02 and .03", h.space)
	}
	if err := def.check(h, "/AppHdr"); err != nil {
		return err
	}
	if says := strings.TrimSpace(h.child("MsgDefIdr").text); says != name {
		return fmt.Errorf("/AppHdr/MsgDefIdr says %q, and the Document is %s", says, name)
	}
	return nil
}

// says tells whether there is a value anywhere within an element.
func (n *node) says() bool {
	if strings.TrimSpace(n.text) != "" {
		return true
	}
	for _, c := range n.children {
		if c.says() {
			return true
		}
	}
	return false
}
