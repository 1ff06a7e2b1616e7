// What the pages and the server draw with: lines and bars, as SVG. `npm install && npm run build` makes
// echarts.min.js anew.
import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import * as core from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

core.use([AriaComponent, BarChart, GridComponent, LegendComponent, LineChart, SVGRenderer, TooltipComponent]);

export const init = core.init;
export const version = core.version;
