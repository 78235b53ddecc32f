{smcl}
{* *! version 0.1.0}{...}
{vieweralsosee "[D] shell" "help shell"}{...}
{title:Title}

{phang}
{bf:rebound} {hline 2} Measures of regions and products, resilience, and SQL by the program {cmd:rebound}


{title:Syntax}

{p 8 16 2}
{cmd:rebound measure} {ifin} [{cmd:,} {opt reg:ion(varname)} {opt prod:uct(varname)} {opt val:ue(varname)}
{opt year(varname)} {opt met:rics(list)} {opt like(tool)} {opt row:s(name)} {it:target}]

{p 8 16 2}
{cmd:rebound resilience} {ifin}{cmd:,} {opt base(periods)} {opt trough(period)} {opt end(period)}
[{opt bench:mark(list)} {opt reg:ion(varname)} {opt prod:uct(varname)} {opt val:ue(varname)}
{opt year(varname)} {opt row:s(name)} {it:target}]

{p 8 16 2}
{cmd:rebound sql} {cmd:"}{it:query}{cmd:"} [{cmd:,} {opt lake(folder)} {opt run(name)} {it:target}]

{pstd}
{it:target} is {opt clear} (the rows replace the data in memory), {cmd:saving(}{it:filename}[{cmd:, replace}]{cmd:)}
or both. {opt o:ptions(text)} has other options of the program, as {cmd:options(--rca-threshold 1.5)};
{opt prog:ram(path)} says where the program is, else the environment variable {cmd:REBOUND}, else the PATH.


{title:Description}

{pstd}
The data in memory are saved to a temporary file, the program reads them and writes its rows to another,
which is then used. What the program says is shown. Nobody has run this command in Stata yet: it is written
by the manual of Stata 14.

{pstd}
Codes belong in string variables, which keep their zeros; {cmd:options(--product-digits 6)} fills up those of
numeric ones. Regions and products with value labels are read by their labels. Variables of years, quarters
({cmd:%tq}) and months ({cmd:%tm}) stay what they are. In the rows a missing string is empty, flags have the
value label yes_no, and a name that Stata does not take stands in the variable label.


{title:Examples}

{phang2}{cmd:. rebound measure, region(state) product(hs6) value(fob) year(year) metrics(rca density) clear}{p_end}
{phang2}{cmd:. rebound measure if year == 2008, metrics(eci) rows(regions) like(stata) saving(eci, replace)}{p_end}
{phang2}{cmd:. rebound resilience, base(2008) trough(2009) end(2011) region(state) benchmark(aggregate) clear}{p_end}
{phang2}{cmd:. rebound sql "select region_code, resistance from panel.region", lake(lake) clear}{p_end}


{title:Stored results}

{pstd}
With {opt clear}, {cmd:rebound} stores in {cmd:r()}: {cmd:r(N)}, the number of rows.
