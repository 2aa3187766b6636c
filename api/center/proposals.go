package center

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/stream/event"
)

// proposals is how two people change the catalogue: one proposes, another approves.
type proposals struct{ *base }

func (s *proposals) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodPost, Path: "/v1/patterns/proposals", ID: "propose-patterns",
			Roles: center, Errors: []int{412, 422, 503}, Handler: route.Handle(s.proposePatterns),
			EN: "Propose a catalogue: it is checked, and waits for somebody else's approval",
			ZH: "提交一份目录：检查后等待他人批准"},
		{Method: http.MethodGet, Path: "/v1/patterns/proposals", ID: "list-proposals",
			Roles: center, Handler: route.Handle(s.listProposals),
			EN: "Catalogues that wait for approval, newest first",
			ZH: "待批准的目录，最新的在前"},
		{Method: http.MethodPost, Path: "/v1/patterns/proposals/{version}/approval", ID: "approve-patterns",
			Roles: deciders, Errors: []int{404, 409, 412, 503}, Handler: route.Handle(s.approvePatterns),
			EN: "Approve a proposed catalogue and publish it: not by who proposed it",
			ZH: "批准并发布拟议的规则目录；提交人不能自批"},
		{Method: http.MethodDelete, Path: "/v1/patterns/proposals/{version}", ID: "withdraw-patterns",
			Roles: center, Errors: []int{404, 503}, Handler: route.Handle(s.withdrawPatterns),
			EN: "Take a proposal back, or turn it down",
			ZH: "撤回或否决一份拟议的目录"},
	}
}

type proposalOutput struct{ Body wire.Proposal }

func (s *proposals) proposePatterns(ctx context.Context, in *publishInput) (*proposalOutput, error) {
	c, err := s.changed(in)
	if err != nil {
		return nil, err
	}
	now, _ := s.Book.Current()
	if now.Version == c.Version {
		return nil, wire.NewProblem(http.StatusUnprocessableEntity, "catalogue.same")
	}
	if err := s.decideRule(ctx, event.Control{What: event.ControlProposal, Pattern: now.Version, Text: c.Text,
		Reason: in.Reason}); err != nil {
		return nil, err
	}
	p, ok := s.Book.Proposal(c.Version)
	if !ok {
		return nil, wire.NewProblem(http.StatusServiceUnavailable, "unavailable.proposal")
	}
	return &proposalOutput{wire.NewProposal(p)}, nil
}

type proposalsOutput struct{ Body wire.ProposalsPage }

func (s *proposals) listProposals(context.Context, *struct{}) (*proposalsOutput, error) {
	out := &proposalsOutput{}
	out.Body.Proposals = []wire.Proposal{}
	for _, p := range slices.Backward(s.Book.Proposals()) {
		out.Body.Proposals = append(out.Body.Proposals, wire.NewProposal(p))
	}
	return out, nil
}

// proposalVersion names a proposal.
type proposalVersion struct {
	Version string `path:"version" maxLength:"64" example:"d2cea1af1a80"`
}

func (s *proposals) proposal(version string) (scoring.Proposal, error) {
	p, ok := s.Book.Proposal(version)
	if !ok {
		return p, wire.NewProblem(http.StatusNotFound, "not-found.proposal", "version", version)
	}
	return p, nil
}

func (s *proposals) approvePatterns(ctx context.Context, in *proposalVersion) (*catalogueOutput, error) {
	p, err := s.proposal(in.Version)
	if err != nil {
		return nil, err
	}
	if p.By == access.Who(ctx).Name {
		return nil, route.Refuse("four-eyes.catalogue")
	}
	if now, _ := s.Book.Current(); now.Version != p.Base {
		return nil, wire.NewProblem(http.StatusPreconditionFailed, "version.base",
			"version", now.Version, "base", p.Base)
	}
	return s.publish(ctx, p.Version, event.Control{What: event.ControlCatalogue, Text: p.Text,
		By: p.By + ", " + access.Who(ctx).Name, Reason: p.Reason})
}

func (s *proposals) withdrawPatterns(ctx context.Context, in *proposalVersion) (*struct{}, error) {
	p, err := s.proposal(in.Version)
	if err != nil {
		return nil, err
	}
	return nil, s.decideRule(ctx, event.Control{What: event.ControlProposal, Text: p.Text, Removed: true})
}

// changed is a catalogue that may come in the place of the one in force.
func (s *base) changed(in *publishInput) (*scoring.Catalogue, error) {
	c, err := checked(in.RawBody)
	if err != nil {
		return nil, err
	}
	now, _ := s.Book.Current()
	if v := strings.Trim(in.IfMatch, `"`); v != "" && v != now.Version {
		return nil, wire.NewProblem(http.StatusPreconditionFailed, "version.catalogue",
			"version", now.Version, "sent", v)
	}
	return c, nil
}

// publish writes a catalogue and waits until it is in force.
func (s *base) publish(ctx context.Context, version string, c event.Control) (*catalogueOutput, error) {
	if err := s.Rules.Decide(ctx, c); err != nil {
		return nil, s.fail.Log(ctx, err)
	}
	p, ok := s.Book.Version(version)
	if !ok {
		return nil, wire.NewProblem(http.StatusServiceUnavailable, "unavailable.catalogue")
	}
	return newCatalogueOutput(p), nil
}
