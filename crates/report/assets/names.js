// A text that is called `__proto__` is a text: ECharts keeps texts as names of properties.
delete Object.prototype.__proto__;
