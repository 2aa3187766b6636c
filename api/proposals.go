package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/scoring"
	"stopline.internal/stream/event"
)

// proposalRoutes are those by which two people change the catalogue: one
// proposes, another approves.
func (s *server) proposalRoutes(api huma.API) {
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/patterns/proposals", "propose-patterns", "Propose a catalogue: it is checked, and waits for somebody else's approval", center, 412, 422, 503), s.proposePatterns)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/patterns/proposals", "list-proposals", "Catalogues that wait for approval, newest first", center), s.listProposals)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/patterns/proposals/{version}/approval", "approve-patterns", "Approve a proposed catalogue and publish it: not by who proposed it", deciders, 404, 409, 412, 503), s.approvePatterns)
	huma.Register(api, s.operation(api, http.MethodDelete, "/v1/patterns/proposals/{version}", "withdraw-patterns", "Take a proposal back, or turn it down", center, 404, 503), s.withdrawPatterns)
}

// ProposalDocument is a catalogue that waits for approval.
type ProposalDocument struct {
	Version    string `json:"version" example:"d2cea1af1a80"`
	Base       string `json:"base" doc:"The version in force when it was proposed: with another one in force it must be proposed anew"`
	ProposedAt string `json:"proposed_at" format:"date-time"`
	ProposedBy string `json:"proposed_by"`
	Reason     string `json:"reason,omitempty"`
	Patterns   int    `json:"patterns"`
	Text       string `json:"text" doc:"As it was written: YAML"`
}

func proposalDocument(p scoring.Proposal) ProposalDocument {
	return ProposalDocument{p.Version, p.Base, p.At.String(), p.By, p.Reason, p.Patterns, p.Text}
}

type proposalOutput struct{ Body ProposalDocument }

func (s *server) proposePatterns(ctx context.Context, in *PublishInput) (*proposalOutput, error) {
	c, err := s.changed(in)
	if err != nil {
		return nil, err
	}
	now, _ := s.Book.Current()
	if now.Version == c.Version {
		return nil, problem(http.StatusUnprocessableEntity, "catalogue.same")
	}
	if err := s.Rules.Decide(ctx, event.Control{What: event.ControlProposal, Pattern: now.Version, Text: c.Text, By: who(ctx).Name, Reason: in.Reason}); err != nil {
		return nil, s.unavailable(ctx, err)
	}
	p, ok := s.Book.Proposal(c.Version)
	if !ok {
		return nil, problem(http.StatusServiceUnavailable, "unavailable.proposal")
	}
	return &proposalOutput{proposalDocument(p)}, nil
}

// ProposalsPage is a list of catalogues that wait for approval.
type ProposalsPage struct {
	Proposals []ProposalDocument `json:"proposals" nullable:"false"`
}

type proposalsOutput struct{ Body ProposalsPage }

func (s *server) listProposals(context.Context, *struct{}) (*proposalsOutput, error) {
	out := &proposalsOutput{}
	out.Body.Proposals = []ProposalDocument{}
	for _, p := range slices.Backward(s.Book.Proposals()) {
		out.Body.Proposals = append(out.Body.Proposals, proposalDocument(p))
	}
	return out, nil
}

// ProposalVersion names a proposal.
type ProposalVersion struct {
	Version string `path:"version" maxLength:"64" example:"d2cea1af1a80"`
}

func (s *server) proposal(version string) (scoring.Proposal, error) {
	p, ok := s.Book.Proposal(version)
	if !ok {
		return p, problem(http.StatusNotFound, "not-found.proposal", "version", version)
	}
	return p, nil
}

func (s *server) approvePatterns(ctx context.Context, in *ProposalVersion) (*catalogueOutput, error) {
	p, err := s.proposal(in.Version)
	if err != nil {
		return nil, err
	}
	if p.By == who(ctx).Name {
		return nil, problem(http.StatusConflict, "four-eyes.catalogue")
	}
	if now, _ := s.Book.Current(); now.Version != p.Base {
		return nil, problem(http.StatusPreconditionFailed, "version.base", "version", now.Version, "base", p.Base)
	}
	return s.publish(ctx, p.Version, event.Control{What: event.ControlCatalogue, Text: p.Text, By: p.By + ", " + who(ctx).Name, Reason: p.Reason})
}

func (s *server) withdrawPatterns(ctx context.Context, in *ProposalVersion) (*struct{}, error) {
	p, err := s.proposal(in.Version)
	if err != nil {
		return nil, err
	}
	return nil, s.decided(ctx, event.Control{What: event.ControlProposal, Text: p.Text, Removed: true})
}

// changed is a catalogue that may come in the place of the one in force.
func (s *server) changed(in *PublishInput) (*scoring.Catalogue, error) {
	c, err := checked(in.RawBody)
	if err != nil {
		return nil, err
	}
	now, _ := s.Book.Current()
	if v := strings.Trim(in.IfMatch, `"`); v != "" && v != now.Version {
		return nil, problem(http.StatusPreconditionFailed, "version.catalogue", "version", now.Version, "sent", v)
	}
	return c, nil
}

// publish writes a catalogue and waits until it is in force.
func (s *server) publish(ctx context.Context, version string, c event.Control) (*catalogueOutput, error) {
	if err := s.Rules.Decide(ctx, c); err != nil {
		return nil, s.unavailable(ctx, err)
	}
	p, ok := s.Book.Version(version)
	if !ok {
		return nil, problem(http.StatusServiceUnavailable, "unavailable.catalogue")
	}
	return newCatalogueOutput(p), nil
}
