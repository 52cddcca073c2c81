"""Random graphs: any wiring that the declarations of node types allow."""

import random

import nodes
import recipes


class Place:
    """Where a graph writes, and the ports that it may use."""

    def __init__(self, folder, port):
        self.folder = folder
        self.port = port
        self.inputs = []
        self.count = 0
        # Instances of a template write files of their own.
        self.is_template = False

    def file(self, ending):
        self.count += 1
        return f"{self.folder}/out{self.count}{'-${instance}' if self.is_template else ''}.{ending}"


class Session:
    """The nodes and edges of the graph, or of a template, while they are made."""

    def __init__(self, generator, parents=()):
        self.generator = generator
        self.dice = generator.dice
        self.nodes = {}
        self.types = {}
        self.edges = []
        self.relays = []
        # Outputs without an edge: end, formats, how the output may be left.
        self.open = list(parents)
        self.endless = False
        self.live = False

    def add(self, type_name):
        """A new node with random parameters. Returns its name and what its recipe says of it."""
        generator, dice = self.generator, self.dice
        kind = generator.types[type_name]
        name = f"{type_name.split('-')[0]}{generator.number()}"
        node = {"type": type_name}
        for parameter in kind.parameters:
            drawn = recipes.value(parameter, dice)
            if drawn is not None:
                node[parameter["name"]] = drawn
        chosen, about = generator.recipes.apply(type_name, dice, generator.place, generator.is_virtual)
        declared = {parameter["name"] for parameter in kind.parameters}
        node.update({key: drawn for key, drawn in chosen.items() if key in declared})
        missing = [
            parameter["name"] for parameter in kind.parameters
            if "default" not in parameter and parameter["name"] not in node]
        for parameter in missing:
            node[parameter] = "x"
        if kind.shares and dice.random() < 0.3:
            node["lossless"] = True
        if dice.random() < 0.1:
            node["on_error"] = "restart"
        if dice.random() < 0.15:
            node["lane"] = dice.choice(["main", "a", "b"])
        self.nodes[name] = node
        self.types[name] = kind
        self.endless = self.endless or about.get("endless", False)
        self.live = self.live or kind.is_live
        self.offer(name, kind, node, about)
        return name, kind

    def offer(self, name, kind, node, about):
        defaults = {p["name"]: p["default"] for p in kind.parameters if "default" in p}
        known = {**defaults, **node}
        for port in kind.outputs:
            if port["name"] in about.get("absent", []) or port.get("follows"):
                continue
            given = about.get("formats", {}).get(port["name"])
            given = given or nodes.given(nodes.formats(port, known), known)
            self.open.append((f"{name}.{port['name']}", given, port))

    def connect(self, source, name, kind, port):
        """An edge from an open output to an input; outputs that follow the input become open."""
        end, given, from_port = source
        if not from_port.get("many"):
            self.open.remove(source)
        both = nodes.fit(given, nodes.formats(port, self.nodes[name]))
        self.edges.append(self.edge(end, f"{name}.{port['name']}", both, from_port))
        for output in kind.outputs:
            if output.get("follows") == port["name"]:
                opened = (f"{name}.{output['name']}", both, output)
                self.open.append(opened)
                if kind.shares:
                    self.relays.append(opened)

    def edge(self, source, target, both, from_port):
        dice = self.dice
        edge = {"from": source, "to": target}
        kinds = {pattern["kind"] for pattern in both or [{"kind": kind} for kind in nodes.KINDS]}
        shared = from_port.get("many")
        owner = source.split(".")[-2]
        blocks = not shared or self.nodes.get(owner, {}).get("lossless")
        choices = ["block"] if blocks else []
        if "coded-video" not in kinds:
            choices += ["drop-oldest", "drop-newest"]
        if kinds == {"coded-video"}:
            choices.append("drop-to-keyframe")
        if choices and dice.random() < 0.4:
            edge["overflow"] = dice.choice(choices)
        if dice.random() < 0.4:
            edge["capacity"] = {}
            if dice.random() < 0.8:
                edge["capacity"]["items"] = dice.choice([1, 2, 3, 5, 16, 64])
            if dice.random() < 0.5 or not edge["capacity"]:
                edge["capacity"]["ms"] = dice.choice([1, 20, 100, 500, 2000])
        if dice.random() < 0.2:
            edge["epoch"] = "keep"
        if dice.random() < 0.1:
            edge["optional"] = True
        return f"{source} -> {target}" if len(edge) == 2 else edge

    def grow(self, steps):
        """Nodes behind open outputs, as often as one fits."""
        for _ in range(steps):
            if self.open:
                self.extend(self.dice.choice(self.open), self.generator.inner)

    def finish(self):
        """Nodes that end what is open, where it must not stay so."""
        for source in list(self.open):
            may_stay = source[2].get("optional") or source[2].get("many")
            if source in self.open and not (may_stay and self.dice.random() < 0.6):
                self.extend(source, self.generator.ends)
        for source in list(self.open):
            if not source[2].get("optional") and not source[2].get("many"):
                name, kind = self.add("null-sink")
                self.connect(source, name, kind, kind.inputs[0])

    def extend(self, source, candidates):
        fitting = []
        for type_name in candidates:
            kind = self.generator.types[type_name]
            for port in kind.inputs:
                if nodes.fit(source[1], nodes.formats(port, {})) != []:
                    fitting.append((type_name, port))
        if not fitting:
            return
        type_name, first = self.dice.choice(fitting)
        if self.generator.is_virtual and self.generator.types[type_name].is_live:
            return
        kind = self.generator.types[type_name]
        others = []
        for port in kind.inputs:
            if port is first:
                continue
            possible = [
                one for one in self.open
                if one is not source and one not in [taken for _, taken in others]
                and nodes.fit(one[1], nodes.formats(port, {})) != []]
            if possible and (not port.get("optional") or self.dice.random() < 0.7):
                others.append((port, self.dice.choice(possible)))
            elif not port.get("optional"):
                return
        name, kind = self.add(type_name)
        for port, other in [(first, source), *others]:
            self.connect(other, name, kind, port)

    def controls(self):
        links = []
        for sender, kind in self.types.items():
            for output in kind.control_outputs:
                targets = [
                    f"{receiver}.{one['name']}" for receiver, other in self.types.items()
                    for one in other.control_inputs if one["kind"] == output["kind"]]
                if targets and self.dice.random() < 0.4:
                    links.append(f"{sender}.{output['name']} -> {self.dice.choice(targets)}")
        return links

    def json(self):
        session = {"nodes": grouped(self.nodes), "edges": self.edges}
        links = self.controls()
        if links:
            session["controls"] = links
        return session


def grouped(all_nodes):
    """`latency.min_ms` is written as a member of an object `latency`."""
    result = {}
    for name, node in all_nodes.items():
        result[name] = {}
        for key, drawn in node.items():
            group, dot, member = key.partition(".")
            if dot:
                result[name].setdefault(group, {})[member] = drawn
            else:
                result[name][key] = drawn
    return result


class Generator:
    def __init__(self, types, all_recipes, seed, folder, nests):
        self.dice = random.Random(seed)
        self.types = {name: types[name] for name in sorted(types)}
        self.recipes = all_recipes
        self.nests = nests
        self.place = Place(folder, recipes.free_port(self.dice))
        self.count = 0
        self.is_virtual = self.dice.random() < 0.5
        if self.is_virtual:
            self.types = {name: kind for name, kind in self.types.items() if name not in recipes.INEXACT}
        self.sources = [
            name for name, kind in self.types.items()
            if kind.outputs and all(port.get("optional") for port in kind.inputs)
            and not any(port.get("follows") for port in kind.outputs) and not (self.is_virtual and kind.is_live)]
        self.inner = [name for name, kind in self.types.items() if kind.inputs]
        self.ends = [name for name in self.inner if not self.types[name].outputs]

    def number(self):
        self.count += 1
        return self.count

    def graph(self):
        """A graph as an object, and what is known of it."""
        dice = self.dice
        root = Session(self)
        for _ in range(dice.choice([1, 1, 2])):
            # Most begin at what most graphs begin at.
            root.add("source" if dice.random() < 0.5 else dice.choice(self.sources))
        root.grow(dice.randint(0, 7))
        if dice.random() < 0.4 and root.open:
            source = dice.choice(root.open)
            if not source[2].get("many"):
                name, kind = root.add("relay")
                root.connect(source, name, kind, kind.inputs[0])
        templates, start = self.templates(root, 0)
        root.finish()
        graph = root.json()
        if templates:
            graph["templates"] = templates
            graph["start"] = start
        return graph, {"endless": root.endless, "live": root.live}

    def templates(self, session, depth):
        templates, start = {}, []
        dice = self.dice
        if not session.relays or dice.random() < (0.4 if depth == 0 else 0.7):
            return templates, start
        for _ in range(dice.choice([1, 1, 2])):
            relays = dice.sample(session.relays, min(len(session.relays), dice.choice([1, 2])))
            inner = Session(self, [(f"$parent.{end}", given, port) for end, given, port in relays])
            self.place.is_template = True
            inner.grow(dice.randint(1, 3))
            if not inner.nodes:
                continue
            inner_templates, inner_start = self.templates(inner, depth + 1) if self.nests and depth < 2 else ({}, [])
            inner.finish()
            self.place.is_template = depth > 0
            session.live = session.live or inner.live
            template = inner.json()
            if inner_templates:
                template["templates"] = inner_templates
                template["start"] = inner_start
            name = f"t{self.number()}"
            templates[name] = template
            start.append({"template": name, "count": dice.choice([1, 1, 2, 3])})
        return templates, start
