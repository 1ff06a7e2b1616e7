package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/charts"
	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/reports"
	"github.com/funnelhouse/funnelhouse/warehouse"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// reportKeeper is the house's keeper of reports, made when it is first asked for.
func (h *house) reportKeeper() (*reports.Keeper, error) {
	h.keeping.Lock()
	defer h.keeping.Unlock()
	if h.keeper != nil {
		return h.keeper, nil
	}
	data := filepath.Join(h.dir, "data")
	ledger, err := reports.OpenLedger(filepath.Join(data, "records", "reports"), filepath.Join(data, "reports"))
	if err != nil {
		return nil, err
	}
	cfg := reports.Config{
		Company: reports.Company{
			Name: h.cfg.Company.Name, Zone: h.zone(), Currency: h.cfg.Company.Currency, Calendar: h.company(), Languages: h.cfg.Company.Languages,
		},
		House: pressRoom{h}, Ledger: ledger, Logger: h.log,
		Charts: houseCharts{h},
	}
	for _, u := range h.cfg.Users {
		cfg.Users = append(cfg.Users, reports.User{Name: u.Name, Mail: u.Mail, Role: u.Role, Language: u.Language})
	}
	if m := h.cfg.Mail; m != nil {
		cfg.From, cfg.Mailer = m.From, reports.NewSMTP(h.smtp(m))
	}
	h.keeper = reports.New(cfg)
	return h.keeper, nil
}

func (h *house) smtp(m *mailConfig) reports.SMTPConfig {
	cfg := reports.SMTPConfig{
		Host: m.Host, Port: m.Port, TLS: reports.Encryption(cmp.Or(m.TLS, string(reports.STARTTLS))),
		From: m.From, FromName: h.cfg.Company.Name, Username: m.Username,
		Password: func() (string, error) {
			password, err := m.Password.read(h.dir)
			if err != nil {
				return "", fmt.Errorf("%s: mail.password: %w", configFile, err)
			}
			return password, nil
		},
	}
	if cfg.Port == 0 {
		cfg.Port = 587
	}
	if cfg.Username == "" && m.Password != (secret{}) {
		cfg.Username = m.From
	}
	return cfg
}

// reportOn makes reports on their schedules and mails them, until ctx is done.
// A ledger that can't be read stops no ingest: reports are silent then, and
// every command that asks for them says why.
func (h *house) reportOn(ctx context.Context) error {
	keeper, err := h.reportKeeper()
	if err != nil {
		h.log.ErrorContext(ctx, "no reports are made", "error", err)
		return nil
	}
	return keeper.Run(ctx)
}

// houseCharts draws with the house's renderer.
type houseCharts struct{ h *house }

// PNG draws a chart.
func (c houseCharts) PNG(ctx context.Context, spec charts.Spec, scale float64) ([]byte, error) {
	renderer, err := c.h.renderer()
	if err != nil {
		return nil, err
	}
	return renderer.PNG(ctx, spec, scale)
}

// pressRoom is what reports see of the house.
type pressRoom struct{ h *house }

// Reports reads the reports' files.
func (p pressRoom) Reports() (*reports.Set, error) { return p.h.loadReports() }

// catchUpFor bounds how long a report waits for the latest events: one that is
// late helps less than one that says what it may lack.
const catchUpFor = 10 * time.Minute

// Prepare commits what can be read now and builds the models.
func (p pressRoom) Prepare(ctx context.Context) error {
	var ingesting error
	if p.h.cfg.Kafka != nil {
		catching, stop := context.WithTimeout(ctx, catchUpFor)
		_, ingesting = p.h.ingestOnce(catching, nil)
		stop()
	}
	if ingesting != nil {
		p.h.log.ErrorContext(ctx, "events not caught up before a report", "error", ingesting)
	}
	result, building := p.h.build(ctx, nil)
	if building != nil {
		p.h.log.ErrorContext(ctx, "models not built before a report", "reason", notBuiltReason(result, building))
	}
	return errors.Join(ingesting, building)
}

// Open opens the figures as they are now.
func (p pressRoom) Open(ctx context.Context) (reports.Figures, error) {
	set, err := loadMetrics(p.h.dir)
	if err != nil {
		return nil, err
	}
	snapshot, err := p.h.wh.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return &figureView{Snapshot: snapshot, set: set, contracts: p.h.promises.contracts, company: p.h.company(), zone: p.h.zone()}, nil
}

// figureView is one moment of the warehouse with the metrics that were read
// then.
type figureView struct {
	*warehouse.Snapshot
	set       *metric.Set
	contracts *contracts.Set
	company   metric.Company
	zone      *time.Location
}

// Get returns a metric.
func (v *figureView) Get(code string) (*metric.Metric, error) { return v.set.Get(code) }

// Query answers for a metric.
func (v *figureView) Query(ctx context.Context, req metric.Request) (*metric.Table, error) {
	return v.set.Query(ctx, v.Snapshot, v.company, req)
}

// State tells what the figures were made from.
func (v *figureView) State(ctx context.Context, period metric.Period) (reports.State, error) {
	var s reports.State
	built := 0
	err := v.QueryRowContext(ctx, "select count(*) from information_schema.tables where table_schema = 'build' and table_name = 'models'").Scan(&built)
	if err != nil {
		return s, fmt.Errorf("ask for the models' state: %w", err)
	}
	if built > 0 {
		err = v.each(ctx, func(scan func(...any) error) error {
			var name, status string
			var at *time.Time
			if err := scan(&name, &at, &status); err != nil {
				return err
			}
			m := reports.ModelState{Name: name, Failed: status == "failed" || status == "skipped"}
			if at != nil {
				m.BuiltAt = *at
			}
			s.Models = append(s.Models, m)
			return nil
		}, "select model, built_at, status from build.models order by model")
	}
	if err != nil {
		return s, fmt.Errorf("ask for the models' state: %w", err)
	}
	if s.Topics, err = v.topics(ctx); err != nil {
		return s, fmt.Errorf("ask how far the topics were read: %w", err)
	}
	from, to := midnight(period.Start, v.zone), midnight(period.End.AddDate(0, 0, 1), v.zone)
	err = v.QueryRowContext(ctx, "select count(*) from ingest.quarantine where record_at >= ? and record_at < ?", from, to).Scan(&s.Refused)
	if err != nil {
		return s, fmt.Errorf("count what was refused: %w", err)
	}
	return s, nil
}

// topics tells how far each topic was read, by what its events say themselves
// too: a source that sends old events on time is as stale as one that sends none.
func (v *figureView) topics(ctx context.Context) ([]reports.TopicState, error) {
	occurred := []string{"select null::varchar as topic, null::timestamptz as occurred_at where false"}
	for _, c := range v.contracts.All() {
		occurred = append(occurred, fmt.Sprintf(`select _topic, max(_occurred_at) from raw."%s" where _occurred_at <= $1 group by _topic`, c.Table()))
	}
	var topics []reports.TopicState
	err := v.each(ctx, func(scan func(...any) error) error {
		var name string
		var occurred, received *time.Time
		err := scan(&name, &occurred, &received)
		t := reports.TopicState{Name: name}
		if occurred != nil && received != nil {
			t.OccurredAt, t.ReceivedAt = *occurred, *received
		}
		topics = append(topics, t)
		return err
	}, `with occurred as (
    `+strings.Join(occurred, "\n    union all\n    ")+`
),

latest as (
    select topic, max(occurred_at) as occurred_at from occurred group by topic
),

received as (
    select topic, max(committed_at) filter (where loaded > 0) as received_at from ingest.ledger group by topic
)

select t.topic, latest.occurred_at, received.received_at
from (select distinct topic from ingest.topics) as t
left join latest on latest.topic = t.topic
left join received on received.topic = t.topic
order by t.topic`, time.Now().UTC())
	return topics, err
}

// midnight is when a business day begins.
func midnight(day time.Time, zone *time.Location) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone).UTC()
}

func (v *figureView) each(ctx context.Context, row func(scan func(...any) error) error, query string, args ...any) (err error) {
	rows, err := v.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
