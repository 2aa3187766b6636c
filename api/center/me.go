package center

import (
	"context"
	"net/http"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
)

// me tells the owner of a key about it.
type me struct{ *base }

func (s *me) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/me", ID: "me",
			Roles: everybody, Handler: route.Handle(s.me),
			EN: "Whose key this is",
			ZH: "这个密钥属于谁"},
	}
}

type meOutput struct{ Body wire.Me }

func (s *me) me(ctx context.Context, _ *struct{}) (*meOutput, error) {
	who := access.Who(ctx)
	out := &meOutput{wire.Me{Name: who.Name, Role: who.Role, Bank: who.Bank}}
	if s.Simulation != nil {
		out.Body.Simulation = &wire.SimulationRef{Speed: s.Simulation.Speed, Pace: s.Simulation.Pace()}
	}
	return out, nil
}
