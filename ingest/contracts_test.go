package ingest

import (
	"testing"
	"testing/fstest"

	"github.com/funnelhouse/funnelhouse/contracts"
)

// order.placed.v1 has a field of every type and every rule.
const orderContract = `
apiVersion: v3.1.0
kind: DataContract
id: order.placed
version: 1.0.0
status: active
schema:
  - name: order_placed
    logicalType: object
    properties:
      - {name: order_id, logicalType: string, required: true, logicalTypeOptions: {minLength: 1, maxLength: 8}}
      - name: channel
        logicalType: string
        quality: [{metric: invalidValues, arguments: {validValues: [web, shop]}, mustBe: 0}]
      - name: size
        logicalType: string
        quality: [{metric: invalidValues, arguments: {validValues: [S, M]}, mustBe: 0, severity: warning}]
      - {name: code, logicalType: string, logicalTypeOptions: {pattern: "^[A-Z]+$"}}
      - {name: amount, logicalType: number, physicalType: "decimal(10,2)"}
      - {name: rate, logicalType: number, physicalType: double, logicalTypeOptions: {minimum: 0, maximum: 1}}
      - {name: quantity, logicalType: integer}
      - {name: gift, logicalType: boolean}
      - {name: due, logicalType: date}
      - {name: recorded_at, logicalType: timestamp}
`

func testContracts(t testing.TB) *contracts.Set {
	t.Helper()
	set, err := contracts.Load(fstest.MapFS{"order.placed.v1.yaml": {Data: []byte(orderContract)}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}
